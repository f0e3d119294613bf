//! The answers of `git cat-file --batch`: a header line, then the bytes it announces, for each object asked for.

/// Every answer in order; `None` for an object that is missing or no blob.
pub(super) fn split(mut output: &[u8]) -> impl Iterator<Item = Option<Vec<u8>>> {
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', output)?;
        let (header, rest) = output.split_at(end);
        let mut words = std::str::from_utf8(header).unwrap_or_default().rsplit(' ');
        let (size, kind) = (words.next().and_then(|size| size.parse::<usize>().ok()), words.next());
        let Some(size) = size
            .filter(|size| matches!(kind, Some("blob" | "tree" | "commit" | "tag")) && *size < rest.len())
        else {
            output = &rest[1..];
            return Some(None);
        };
        let (body, rest) = rest[1..].split_at(size);
        output = rest.get(1..).unwrap_or_default();
        Some((kind == Some("blob")).then(|| body.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn bodies_are_taken_by_their_size_and_missing_objects_are_none() {
        let output = b"1234 blob 4\na\nb\n\n:0:my file missing\n99 tree 2\nxy\n12 blob 0\n\n";
        let wanted: Vec<Option<&[u8]>> = vec![Some(b"a\nb\n"), None, None, Some(b"")];
        assert_eq!(
            split(output).collect::<Vec<_>>(),
            wanted.into_iter().map(|b| b.map(<[u8]>::to_vec)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_answer_that_was_cut_short_is_none() {
        assert_eq!(split(b"1234 blob 400\nabc").collect::<Vec<_>>(), [None]);
    }
}
