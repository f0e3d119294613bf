//! Ascending lists of numbers from 1, written as `3,7-9,12`.

use std::fmt::Write as _;

/// Writes `numbers`, which must ascend.
pub fn to_text(numbers: &[usize]) -> String {
    let mut out = String::new();
    let mut rest = numbers;
    while let Some((&first, _)) = rest.split_first() {
        let run = rest.iter().zip(first..).take_while(|(number, expected)| *number == expected).count();
        if !out.is_empty() {
            out.push(',');
        }
        // Writing to a String cannot fail.
        let _ = match run {
            1 => write!(out, "{first}"),
            _ => write!(out, "{first}-{}", first + run - 1),
        };
        rest = &rest[run..];
    }
    out
}

/// Reads such a list; `None` unless its numbers ascend from 1 to at most `limit`.
pub fn parse(text: &str, limit: usize) -> Option<Vec<usize>> {
    let mut numbers: Vec<usize> = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (number(first)?, number(last)?);
        if first <= numbers.last().copied().unwrap_or(0) || last < first || last > limit {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_become_ranges() {
        assert_eq!(to_text(&[1, 3, 4, 5, 9]), "1,3-5,9");
        assert_eq!(parse("1,3-5,9", 9), Some(vec![1, 3, 4, 5, 9]));
    }

    #[test]
    fn what_does_not_ascend_or_goes_too_far_is_refused() {
        for text in
            ["", "0", "3,2", "3,3", "5-4", "1-11", "11", "+1", "1-", "-1", "1,,2", "99999999999999999999"]
        {
            assert_eq!(parse(text, 10), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_list_comes_back(numbers in proptest::collection::btree_set(1..500usize, 1..60)) {
            let numbers: Vec<usize> = numbers.into_iter().collect();
            prop_assert_eq!(parse(&to_text(&numbers), 500), Some(numbers));
        }
    }
}
