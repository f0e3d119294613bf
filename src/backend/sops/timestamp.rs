//! `sops_lastmodified`: the one time in a SOPS file that is authenticated.
//!
//! SOPS reads an RFC 3339 time and uses it again without its fraction as associated data of the MAC; an
//! offset of zero in any spelling becomes `Z`, another offset stays. We write UTC with `Z`.

/// `text` as SOPS spells it again, or `None` when it is no RFC 3339 time.
pub fn canonical(text: &str) -> Option<String> {
    let (seconds, rest) = (text.get(..19)?, text.get(19..)?);
    let template = "dddd-dd-ddTdd:dd:dd";
    let fits = seconds.bytes().zip(template.bytes()).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            fraction.get(digits..).filter(|_| digits > 0)?
        }
        None => rest,
    };
    let offset = match offset {
        "Z" | "+00:00" | "-00:00" => "Z",
        other if is_offset(other) => other,
        _ => return None,
    };
    // Ranges: month 13, 30 February, hour 24.
    let valid = fits && format!("{seconds}Z").parse::<jiff::Timestamp>().is_ok();
    valid.then(|| format!("{seconds}{offset}"))
}

fn is_offset(text: &str) -> bool {
    let &[b'+' | b'-', h1, h2, b':', m1, m2] = text.as_bytes() else { return false };
    let pair = |high: u8, low: u8, limit: u8| {
        high.is_ascii_digit() && low.is_ascii_digit() && (high - b'0') * 10 + (low - b'0') < limit
    };
    pair(h1, h2, 24) && pair(m1, m2, 60)
}

/// `time` as the file shall hold it: UTC, whole seconds, `Z`.
pub fn format(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_offset_and_a_fraction_come_out_as_z() {
        for text in [
            "2026-11-23T21:47:43Z",
            "2026-11-23T21:47:43+00:00",
            "2026-11-23T21:47:43-00:00",
            "2026-11-23T21:47:43.000Z",
        ] {
            assert_eq!(canonical(text).as_deref(), Some("2026-11-23T21:47:43Z"), "{text}");
        }
        assert_eq!(canonical("2026-11-23T21:47:43.5+02:00").as_deref(), Some("2026-11-23T21:47:43+02:00"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-23 21:47:43Z",
            "2026-11-23T21:47:43",
            "2026-13-23T21:47:43Z",
            "2026-02-30T21:47:43Z",
            "2026-11-23T21:47:43.Z",
            "2026-11-23T21:47:43+0200",
            "2026-11-23T21:47:43Z\r",
            "2026-11-23T21:47:43+24:00",
            "日本日本日本日本",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn our_own_spelling_is_utc_in_whole_seconds() {
        let time = "2026-08-21T10:47:47.9+02:00".parse().unwrap();
        assert_eq!(format(time), "2026-08-21T08:47:47Z");
    }
}
