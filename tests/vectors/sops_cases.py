"""What make_sops.py encrypts, sets and changes."""

import base64
import re

EVERYDAY = b"""# database
DB_URL=postgres://app:s3cret@db:5432/app?sslmode=require
DB_PORT=5432
QUOTED="two words # not a comment"
UNICODE=h\xc3\xa9\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x94\x91
EMPTY=
#
REGION_unencrypted=eu-west-1
ZONE_unencrypted=b
#OLD_TOKEN=gone
TOKEN=a=b=c==
"""
RULED = b"""#free comment
SECRET_A=one
PLAIN_B=two
#note: mark
SECRET_C=three
#after
#mark again
#behind it
D=four

E=five
"""
ONE = "  - age: {a}\n"
THREE_GROUPS = "  - shamir_threshold: 2\n    key_groups:\n      - age: ['{a}']\n      - age: ['{b}']\n      - age: ['{c}']\n"
ALL_PAIRS = [["a", "b"], ["a", "c"], ["b", "c"], ["a", "b", "c"], ["a"], []]

# name, rule of .sops.yaml, plaintext, sets of identities to open it with
CASES = [
    ("one_recipient", ONE, EVERYDAY, [["a"], ["b"], []]),
    ("two_recipients", "  - age: {a},{b}\n", EVERYDAY, [["a"], ["b"], ["c"]]),
    ("shamir_2_of_3", THREE_GROUPS, EVERYDAY, ALL_PAIRS),
    ("shamir_3_of_3", THREE_GROUPS.replace("threshold: 2", "threshold: 3"), EVERYDAY, [["a", "b", "c"], ["a", "b"]]),
    (
        "shamir_default_threshold",
        "  - key_groups:\n      - age: ['{a}', '{b}']\n      - age: ['{c}']\n",
        b"A=1\n",
        [["a", "c"], ["b", "c"], ["a", "b"]],
    ),
    ("ssh_ed25519", "  - age: {ssh_ed25519}\n", EVERYDAY, [["ssh_ed25519"], ["a"]]),
    ("ssh_ed25519_and_age", "  - age: {ssh_ed25519},{a}\n", b"A=1\n", [["ssh_ed25519"], ["a"]]),
    ("rule_unencrypted_suffix", ONE + "    unencrypted_suffix: _B\n", RULED, [["a"]]),
    ("rule_encrypted_suffix", ONE + "    encrypted_suffix: _C\n", RULED, [["a"]]),
    ("rule_unencrypted_regex", ONE + "    unencrypted_regex: ^(PLAIN_|D$)\n", RULED, [["a"]]),
    ("rule_encrypted_regex", ONE + "    encrypted_regex: ^SECRET_\n", RULED, [["a"]]),
    ("rule_unencrypted_comment_regex", ONE + "    unencrypted_comment_regex: mark\n", RULED, [["a"]]),
    ("rule_encrypted_comment_regex", ONE + "    encrypted_comment_regex: mark\n", RULED, [["a"]]),
    ("rule_that_matches_nothing", ONE + "    encrypted_regex: NOWHERE\n", RULED, [["a"]]),
    ("rule_that_does_not_compile", ONE + "    encrypted_regex: '('\n", RULED, [["a"]]),
    ("mac_only_encrypted", ONE + "    mac_only_encrypted: true\n", EVERYDAY, [["a"]]),
    (
        "mac_only_encrypted_under_a_regex",
        ONE + "    mac_only_encrypted: true\n    encrypted_regex: ^SECRET_\n",
        RULED,
        [["a"]],
    ),
    ("comments", ONE, b"#\n#a\n# b # c\n#  \nA=1\n#ENC\n##\n#h\xc3\xa9\n#\n", [["a"]]),
    ("comments_alone", ONE, b"# nothing here\n", [["a"]]),
    ("empty_values", ONE, b"A=\nB=x\nC=\n", [["a"]]),
    ("empty_values_alone", ONE, b"A=\nB=\n", [["a"]]),
    ("empty_key", ONE, b"=x\n", [["a"]]),
    ("duplicate_keys", ONE, b"A=1\nA=2\nB=x\nA=1\n", [["a"]]),
    ("line_breaks", ONE, b"A=a\\nb\nB=\\n\nC=a\\\\nb\nD=C:\\new\\table\nE_unencrypted=x\\ny\n", [["a"]]),
    ("layout", ONE, b"\nexport A=1\n\n  B=2\nC = 3\r\n\n# c\n\nD=4", [["a"]]),
    ("odd_bytes", ONE, b"A=caf\xe9\nB=a\x00b\nC=a\tb\r\nK\xff=\xff\n\xef\xbb\xbfD=1\n", [["a"]]),
    ("eleven_recipients", "  - age: " + ",".join(["{b}"] * 10 + ["{a}"]) + "\n", b"A=1\n", [["a"], ["c"]]),
]

# name, plaintext, pairs given to `sops set`
SETS = [
    ("set_string", b"A=1\nB=2\n", [("A", '"new # value"'), ("C", '"line\\nbreak"')]),
    ("set_integer", b"A=1\nB=2\n", [("A", "8080"), ("NEW", "0")]),
    ("set_numbers", b"A=1\n", [("A", "1.5"), ("B", "1000000"), ("C", "1234567"), ("D", "0.00001"), ("E", "-3")]),
    ("set_bool", b"A=1\nB=2\n", [("A", "true"), ("B", "false")]),
    ("set_null", b"A=1\n", [("A", "null")]),
    ("set_number_on_plain_key", b"A=1\nP_unencrypted=2\n", [("P_unencrypted", "8080")]),
    ("set_bool_on_plain_key", b"A=1\nP_unencrypted=2\n", [("P_unencrypted", "true")]),
]


def replace(pattern, by):
    """A change of the first match in the file; the pattern has to be there."""

    def change(content):
        changed, count = re.subn(pattern, by, content, count=1, flags=re.M)
        assert count == 1, pattern
        return changed

    return change


def drop(start):
    return replace(rb"^" + start + rb".*\n", b"")


def insert(line, before):
    return replace(rb"^(?=" + before + rb")", line)


def swap(one, other):
    """Exchanges what stands after the = of two keys."""

    def change(content):
        first, second = (re.search(rb"^" + key + rb"=(.*)$", content, re.M).group(1) for key in (one, other))
        lines = content.split(b"\n")
        lines[next(at for at, line in enumerate(lines) if line.startswith(one + b"="))] = one + b"=" + second
        lines[next(at for at, line in enumerate(lines) if line.startswith(other + b"="))] = other + b"=" + first
        return b"\n".join(lines)

    return change


def swap_lines(one, other):
    """Exchanges two whole lines, found by how they start."""

    def change(content):
        lines = content.split(b"\n")
        first, second = (next(at for at, line in enumerate(lines) if line.startswith(start)) for start in (one, other))
        lines[first], lines[second] = lines[second], lines[first]
        return b"\n".join(lines)

    return change


def flip(key, part):
    """Flips one bit of the data, iv or tag of a value."""

    def change(content):
        found = re.search(rb"^" + key + rb"=ENC\[.*?" + part + rb":([^,]+)", content, re.M)
        raw = bytearray(base64.b64decode(found.group(1)))
        raw[0] ^= 1
        return content[: found.start(1)] + base64.b64encode(raw) + content[found.end(1) :]

    return change


def metadata_first(content):
    lines = content.rstrip(b"\n").split(b"\n")
    head = [line for line in lines if line.startswith(b"sops_")]
    return b"\n".join(head + [line for line in lines if not line.startswith(b"sops_")]) + b"\n"


E, M = "one_recipient", "mac_only_encrypted"

# name, file it was made from, what was changed, the change
TAMPERED = [
    # Values, keys and order that the MAC or the AAD protect.
    ("values_swapped", E, "the ciphertexts of two keys exchanged", swap(b"DB_URL", b"TOKEN")),
    ("data_flipped", E, "one bit of a ciphertext", flip(b"TOKEN", b"data")),
    ("iv_flipped", E, "one bit of a nonce", flip(b"TOKEN", b"iv")),
    ("tag_flipped", E, "one bit of a tag", flip(b"TOKEN", b"tag")),
    ("key_renamed", E, "an encrypted key renamed", replace(rb"^TOKEN=", b"TOKEN2=")),
    ("pair_deleted", E, "an encrypted pair deleted", drop(b"DB_PORT=")),
    ("pair_doubled", E, "an encrypted pair written twice", replace(rb"^(DB_PORT=.*\n)", rb"\1\1")),
    ("pairs_reordered", E, "two encrypted lines exchanged", swap_lines(b"DB_URL=", b"DB_PORT=")),
    ("plain_value_changed", E, "an unencrypted value changed", replace(rb"eu-west-1", b"eu-west-2")),
    ("plain_pair_added", E, "an unencrypted pair added", insert(b"NEW_unencrypted=x\n", b"TOKEN=")),
    ("plain_pair_deleted", E, "an unencrypted pair deleted", drop(b"ZONE_unencrypted=")),
    ("plain_pairs_reordered", E, "two unencrypted lines exchanged", swap_lines(b"REGION_", b"ZONE_")),
    ("value_emptied", E, "an encrypted value made empty", replace(rb"^DB_PORT=.*$", b"DB_PORT=")),
    ("empty_value_filled", E, "an empty value filled in plain", replace(rb"^EMPTY=$", b"EMPTY=x")),
    ("value_in_plain", E, "an encrypted value typed over in plain", replace(rb"^TOKEN=.*$", b"TOKEN=typed")),
    ("pair_added_in_plain", E, "a pair added in plain whose key has to be encrypted", insert(b"NEW=x\n", b"TOKEN=")),
    ("value_quoted", E, "quotes round a ciphertext", replace(rb"^TOKEN=(.*)$", rb'TOKEN="\1"')),
    ("value_cut", E, "a ciphertext cut short", replace(rb"^(TOKEN=ENC\[.*),type:str\]$", rb"\1")),
    ("type_int", E, "type:str of a text made type:int", replace(rb"^(TOKEN=.*)type:str", rb"\1type:int")),
    ("type_float", E, "type:str of a text made type:float", replace(rb"^(TOKEN=.*)type:str", rb"\1type:float")),
    ("type_bool", E, "type:str of a text made type:bool", replace(rb"^(TOKEN=.*)type:str", rb"\1type:bool")),
    ("type_time", E, "type:str of a text made type:time", replace(rb"^(TOKEN=.*)type:str", rb"\1type:time")),
    ("type_bytes", E, "type:str made type:bytes", replace(rb"^(TOKEN=.*)type:str", rb"\1type:bytes")),
    ("type_comment", E, "type:str made type:comment", replace(rb"^(TOKEN=.*)type:str", rb"\1type:comment")),
    ("type_unknown", E, "type:str made type:nothing", replace(rb"^(TOKEN=.*)type:str", rb"\1type:nothing")),
    ("type_int_on_digits", E, "type:str of 5432 made type:int", replace(rb"^(DB_PORT=.*)type:str", rb"\1type:int")),
    ("mac_only_flag_deleted", M, "sops_mac_only_encrypted taken out", drop(b"sops_mac_only_encrypted=")),
    ("mac_only_false", M, "sops_mac_only_encrypted made false", replace(rb"encrypted=true", b"encrypted=false")),
    ("mac_only_added", E, "sops_mac_only_encrypted put in", insert(b"sops_mac_only_encrypted=true\n", b"sops_mac=")),
    ("mac_only_value_swapped", M, "two ciphertexts exchanged under mac_only_encrypted", swap(b"DB_URL", b"TOKEN")),
    ("mac_only_pair_deleted", M, "an encrypted pair deleted under mac_only_encrypted", drop(b"DB_PORT=")),
    # Metadata.
    ("mac_missing", E, "sops_mac taken out", drop(b"sops_mac=")),
    ("mac_empty", E, "sops_mac emptied", replace(rb"^sops_mac=.*$", b"sops_mac=")),
    ("mac_flipped", E, "one bit of the MAC's ciphertext", flip(b"sops_mac", b"data")),
    ("mac_in_plain", E, "the MAC replaced by text", replace(rb"^sops_mac=.*$", b"sops_mac=" + b"AB" * 64)),
    ("lastmodified_changed", E, "another time", replace(rb"^(sops_lastmodified=)\d{4}", rb"\g<1>2001")),
    ("lastmodified_missing", E, "sops_lastmodified taken out", drop(b"sops_lastmodified=")),
    ("lastmodified_broken", E, "no time", replace(rb"^sops_lastmodified=.*$", b"sops_lastmodified=today")),
    ("version_missing", E, "sops_version taken out", drop(b"sops_version=")),
    ("version_empty", E, "sops_version emptied", replace(rb"^sops_version=.*$", b"sops_version=")),
    ("metadata_missing", E, "every sops_ line taken out", lambda content: re.sub(rb"(?m)^sops_.*\n", b"", content)),
    ("metadata_twice", E, "sops_version written twice", replace(rb"^(sops_version=.*\n?)$", rb"\1\n\1")),
    ("recipients_missing", E, "the age lines taken out", lambda content: re.sub(rb"(?m)^sops_age.*\n", b"", content)),
    ("list_with_a_hole", E, "list_0 renamed list_1", lambda content: content.replace(b"age__list_0__", b"age__list_1__")),
    ("enc_missing", E, "the wrapped data key taken out", drop(b"sops_age__list_0__map_enc=")),
    ("enc_broken", E, "the armor of the wrapped data key broken", replace(rb"-----BEGIN AGE", b"-----BEGIN EGA")),
    ("two_rules", E, "a second selection rule", insert(b"sops_encrypted_regex=^X\n", b"sops_lastmodified=")),
    ("rule_narrowed", E, "a rule under which an encrypted value counts as plain", replace(rb"(suffix=)_unencrypted", rb"\1KEN")),
    ("rule_widened", E, "a rule under which a plain value counts as encrypted", replace(rb"(suffix=)_unencrypted", rb"\1N_unencrypted")),
    ("bare_word", E, "a line without =", insert(b"word\n", b"TOKEN=")),
    ("indented_comment", E, "a comment with blanks before it", insert(b"  # c\n", b"TOKEN=")),
    ("blank_looking_line", E, "a line of two blanks", insert(b"  \n", b"TOKEN=")),
    ("crlf", E, "CRLF line ends", lambda content: content.replace(b"\n", b"\r\n")),
    ("sops_name_in_body", E, "an unknown sops_ line without =", insert(b"sops_x\n", b"TOKEN=")),
    # What sops does not protect.
    ("comment_added", E, "a plain comment added", insert(b"# new\n", b"TOKEN=")),
    ("comment_deleted", E, "an encrypted comment deleted", drop(b"#ENC")),
    ("comment_moved", E, "an encrypted comment moved", swap_lines(b"#ENC", b"DB_URL=")),
    ("comment_broken", E, "the ciphertext of a comment broken", replace(rb"^#ENC\[AES256_GCM,data:.", b"#ENC[AES256_GCM,data:!")),
    ("empty_pair_added", E, "an empty pair added", insert(b"NEW=\n", b"TOKEN=")),
    ("empty_pair_deleted", E, "an empty pair deleted", drop(b"EMPTY=")),
    ("empty_pair_renamed", E, "the key of an empty pair renamed", replace(rb"^EMPTY=", b"VOID=")),
    ("plain_key_renamed", E, "the key of an unencrypted value renamed", replace(rb"^REGION_", b"ROGION_")),
    ("plain_bytes_moved", E, "text moved between neighbouring unencrypted values", replace(rb"1\nZONE_unencrypted=", b"\nZONE_unencrypted=1")),
    ("mac_only_plain_changed", M, "an unencrypted value changed under mac_only_encrypted", replace(rb"eu-west-1", b"eu-west-2")),
    ("mac_only_plain_deleted", M, "an unencrypted pair deleted under mac_only_encrypted", drop(b"ZONE_unencrypted=")),
    ("mac_only_true_spelled_1", M, "true spelled 1", replace(rb"encrypted=true", b"encrypted=1")),
    ("rule_changed", E, "a rule that picks the same values", replace(rb"(suffix=)_unencrypted", rb"\1encrypted")),
    ("version_changed", E, "another version", replace(rb"^sops_version=.*$", b"sops_version=9.9.9")),
    ("recipient_changed", E, "another recipient text", replace(rb"(map_recipient=).*$", rb"\1someone")),
    ("unknown_metadata", E, "an unknown sops_ pair", insert(b"sops_unknown=1\n", b"sops_version=")),
    ("metadata_first", E, "the sops_ lines before the body", metadata_first),
    ("blank_lines", E, "blank lines between the pairs", lambda content: content.replace(b"\n", b"\n\n")),
    ("no_final_newline", E, "the file without its last newline", lambda content: content.rstrip(b"\n")),
    ("text_after_value", E, "text after the closing bracket", replace(rb"^(TOKEN=.*)$", rb"\1 tail")),
    ("lastmodified_offset", E, "Z spelled +00:00", replace(rb"^(sops_lastmodified=.*)Z$", rb"\1+00:00")),
    ("lastmodified_fraction", E, "a fraction of .000", replace(rb"^(sops_lastmodified=.*)Z$", rb"\1.000Z")),
]
