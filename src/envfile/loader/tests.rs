use super::*;

fn pairs(text: &str, mode: Mode) -> Vec<(String, String)> {
    let loaded = assignments(text, mode);
    loaded.assignments.into_iter().map(|a| (a.name, a.value.expose().to_owned())).collect()
}

fn value(text: &str) -> Option<String> {
    let mut pairs = pairs(text, Mode::Strict);
    assert!(pairs.len() < 2, "{pairs:?}");
    pairs.pop().map(|(_, value)| value)
}

#[test]
fn values_decode_as_the_contract_lists_them() {
    for (text, expected) in [
        ("K=a#b", "a#b"),
        ("K=a #b", "a"),
        ("K=#FF # c", "#FF"),
        ("K= #b", ""),
        ("K=v # c", "v"),
        ("K=user's data # c", "user's data"),
        ("K=a \"b # c\" d", "a \"b"),
        ("K=\"v\"#c", "v"),
        (r#"K="a\qb""#, r"a\qb"),
        (r"K='a\nb'", r"a\nb"),
        (r#"K="\\""#, "\\"),
        (r#"K="\a\b\f\n\r\t\v\'\"""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}'\""),
        (r#"K='\"\''"#, r#"\"'"#),
        ("K=\"a\nb=c\nd\"", "a\nb=c\nd"),
        ("K=\"a  \nb\"", "a  \nb"),
        ("K=`x`", "`x`"),
        ("K=\"\"", ""),
        ("K=''", ""),
        ("K=\" \"", " "),
        ("K==v", "=v"),
        ("K=", ""),
        ("K", "-"),
        ("\u{a0}K\u{a0}=\u{a0}v\u{a0}", "v"),
        ("K=a\u{2028}b\u{85}c\u{c}d\u{b}e\u{1c}f", "a\u{2028}b\u{85}c\u{c}d\u{b}e\u{1c}f"),
        ("K=a\u{1c}#c", "a"),
        ("K=\0", "\0"),
    ] {
        assert_eq!(value(text).as_deref().unwrap_or("-"), expected, "{text:?}");
    }
}

#[test]
fn junk_after_a_closing_quote_drops_the_whole_statement() {
    for text in ["K=\"v\"x", "K='a' 'b'", "K=\"a\nB=c\nd\"x", "K='a\nB=c' x # \"", r#"K="a\\"b""#] {
        let loaded = assignments(text, Mode::Lenient);
        assert_eq!((loaded.assignments.len(), loaded.unparsed_lines), (0, vec![1]), "{text:?}");
    }
}

#[test]
fn an_unclosed_quote_drops_its_own_line_only() {
    for text in ["K=\"a\nB=c\n", "K='a\nB=c\n", "K=\"a\\\"\nB=c\n", "'K\nB=c\n", "K=\"\\\nB=c"] {
        let loaded = assignments(text, Mode::Lenient);
        assert_eq!(loaded.unparsed_lines, [1], "{text:?}");
        assert_eq!(pairs(text, Mode::Lenient), [("B".to_owned(), "c".to_owned())], "{text:?}");
    }
}

#[test]
fn export_is_a_prefix_only_before_whitespace() {
    for (text, name, value) in
        [("export  K=v", "K", "v"), ("exportK=v", "exportK", "v"), ("export=v", "export", "v")]
    {
        assert_eq!(pairs(text, Mode::Strict), [(name.to_owned(), value.to_owned())]);
    }
    for text in ["export =v", "export # c", "=v", "export \n"] {
        let loaded = assignments(text, Mode::Lenient);
        assert_eq!(loaded, Loaded { unparsed_lines: vec![1], ..Loaded::default() }, "{text:?}");
    }
    assert_eq!(assignments("export", Mode::Strict).bare_keys[0].name, "export");
}

#[test]
fn odd_names_are_variables_in_lenient_mode_only() {
    for name in ["1PW", "X-API-KEY", "CAFÉ", "\"K\""] {
        let text = format!("{name}=\"a\nB=c\"\nZ=1");
        assert_eq!(pairs(&text, Mode::Lenient)[0].0, name);
        // The dropped statement still takes its second line with it.
        let strict = assignments(&text, Mode::Strict);
        assert_eq!((strict.assignments.len(), strict.unparsed_lines), (1, vec![1]), "{name}");
    }
}

#[test]
fn quoted_names_are_variables_in_both_modes() {
    for mode in [Mode::Strict, Mode::Lenient] {
        assert_eq!(pairs("'a b'=1", mode), [("a b".to_owned(), "1".to_owned())]);
        assert_eq!(pairs("export 'a\r\nb' = 1", mode), [("a\nb".to_owned(), "1".to_owned())]);
        assert_eq!(assignments("''=1\n'a'b=1\n'a\nb' c=1\nZ=1", mode).unparsed_lines, [1, 2, 3]);
    }
}

#[test]
fn each_line_is_recorded_as_what_it_is() {
    let text = "# head\n\nBARE # note\nTEXT WITH SPACES\nK: v\n  # tail";
    let loaded = assignments(text, Mode::Lenient);
    assert_eq!(
        loaded.comments.iter().map(|c| (c.line, &text[c.span.clone()])).collect::<Vec<_>>(),
        [(1, "# head"), (6, "# tail")]
    );
    let bare = &loaded.bare_keys[0];
    assert_eq!((bare.name.as_str(), bare.line, &text[bare.span.clone()]), ("BARE", 3, "BARE # note"));
    assert_eq!(loaded.unparsed_lines, [4, 5]);
}

#[test]
fn spans_point_at_the_statement_and_at_the_raw_value() {
    let text = "\u{feff}A = 'x' # c\r\n\r\n  export B=\"1\r\n2\"\rC=\t# none\nD=";
    let loaded = assignments(text, Mode::Strict);
    assert!(loaded.leading_bom);
    let found: Vec<_> = loaded
        .assignments
        .iter()
        .map(|a| (a.line, &text[a.span.clone()], &text[a.value_span.clone()], a.value.expose()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "A = 'x' # c", "'x'", "x"),
            (3, "export B=\"1\r\n2\"", "\"1\r\n2\"", "1\n2"),
            (5, "C=\t# none", "", ""),
            (6, "D=", "", ""),
        ]
    );
    // An empty value can be filled in where its span points.
    let mut filled = text.to_owned();
    filled.replace_range(loaded.assignments[2].value_span.clone(), "v");
    assert_eq!(pairs(&filled, Mode::Strict)[2].1, "v");
}

#[test]
fn a_byte_order_mark_is_content_anywhere_but_in_front() {
    assert_eq!(pairs("\u{feff}A=\u{feff}1", Mode::Strict), [("A".to_owned(), "\u{feff}1".to_owned())]);
    assert_eq!(assignments("\u{feff}\u{feff}A=1", Mode::Strict).unparsed_lines, [1]);
}

#[test]
fn values_do_not_show_in_debug_output() {
    assert!(!format!("{:?}", assignments("K=hunter2", Mode::Strict)).contains("hunter2"));
}

/// Each of these is minutes long when a statement makes the scanner look at the rest of the text again.
#[test]
fn hostile_texts_take_linear_time() {
    for unit in [
        "K=\"\\\"\n",
        "K='\\'\n",
        "'\n",
        "K=\"a\n",
        "K=a #\n",
        "K= \t",
        "#\r",
        "K=#a ",
        "''\\\n",
        "\\\"=\"\\",
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        assignments(&text, Mode::Lenient);
    }
}
