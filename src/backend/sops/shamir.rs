//! Shamir's secret sharing over GF(256), in the layout of HashiCorp's library that SOPS uses.
//!
//! One polynomial per byte, modulus 0x11b; a share is the 32 values at its point and then the point itself, the
//! points being 1, 2, 3, … in the order of the key groups. Any `threshold` shares give the secret, more do too.
//! Multiplication takes the same time for every secret.

use thiserror::Error;
use zeroize::Zeroizing;

use super::random::{self, RandomError};

/// A share, or a secret.
pub type Bytes = Zeroizing<Vec<u8>>;

/// Shares that cannot be made or combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShamirError {
    /// The threshold does not suit the number of groups.
    #[error("a threshold of {threshold} does not suit {groups} key groups; it must be from 2 to {groups}")]
    Threshold {
        /// The threshold asked for.
        threshold: usize,
        /// The number of groups.
        groups: usize,
    },
    /// The shares do not belong together.
    #[error("the shares of the data key do not fit together")]
    Shares,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Splits `secret` into `count` shares of which `threshold` suffice.
pub fn split(secret: &[u8], count: usize, threshold: usize) -> Result<Vec<Bytes>, ShamirError> {
    if threshold < 2 || threshold > count || count > 255 {
        return Err(ShamirError::Threshold { threshold, groups: count });
    }
    let mut shares: Vec<Bytes> =
        (0..count).map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + 1))).collect();
    let mut polynomial = Zeroizing::new(vec![0u8; threshold]);
    for byte in secret {
        random::fill(&mut polynomial[1..])?;
        polynomial[0] = *byte;
        for (share, x) in shares.iter_mut().zip(1u8..) {
            share.push(evaluate(&polynomial, x));
        }
    }
    for (share, x) in shares.iter_mut().zip(1u8..) {
        share.push(x);
    }
    Ok(shares)
}

/// Recovers the secret from `shares`; too few of them give a wrong secret, which nothing here can tell.
pub fn combine(shares: &[Bytes]) -> Result<Bytes, ShamirError> {
    let length = shares.first().map_or(0, |share| share.len());
    let points: Vec<u8> = shares.iter().filter_map(|share| share.last().copied()).collect();
    let distinct = points.iter().enumerate().all(|(index, x)| *x != 0 && !points[..index].contains(x));
    if length < 2 || shares.len() < 2 || !distinct || shares.iter().any(|share| share.len() != length) {
        return Err(ShamirError::Shares);
    }
    let weights: Vec<u8> = points.iter().map(|x| weight_at_zero(*x, &points)).collect();
    let byte_at = |index: usize| {
        shares.iter().zip(&weights).fold(0, |sum, (share, weight)| sum ^ multiply(share[index], *weight))
    };
    Ok(Zeroizing::new((0..length - 1).map(byte_at).collect()))
}

/// Lagrange's weight of the point `x` for the value at zero.
fn weight_at_zero(x: u8, points: &[u8]) -> u8 {
    points
        .iter()
        .filter(|other| **other != x)
        .fold(1, |weight, other| multiply(weight, divide(*other, x ^ other)))
}

fn evaluate(polynomial: &[u8], x: u8) -> u8 {
    polynomial.iter().rev().fold(0, |sum, coefficient| multiply(sum, x) ^ coefficient)
}

fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0u8);
    for bit in 0..8 {
        product ^= a & (0u8.wrapping_sub((b >> bit) & 1));
        a = (a << 1) ^ (0x1b & 0u8.wrapping_sub(a >> 7));
    }
    product
}

/// `a / b`; the inverse of `b` is its 254th power.
fn divide(a: u8, b: u8) -> u8 {
    let mut inverse = 1;
    for _ in 0..254 {
        inverse = multiply(inverse, b);
    }
    multiply(a, inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(divide(multiply(0x57, 0x83), 0x83), 0x57);
        assert_eq!(divide(1, 0x53), 0xca);
    }

    #[test]
    fn shares_end_in_their_point() {
        let shares = split(&[7; 32], 3, 2).unwrap();
        assert!(shares.iter().zip(1..).all(|(share, x)| share.len() == 33 && share[32] == x));
    }

    #[test]
    fn a_threshold_outside_two_and_the_number_of_groups_is_refused() {
        for (count, threshold) in [(2, 1), (2, 0), (2, 3), (300, 2)] {
            assert!(matches!(split(&[1], count, threshold), Err(ShamirError::Threshold { .. })));
        }
    }

    #[test]
    fn shares_that_do_not_belong_together_are_refused() {
        let shares = split(&[7; 32], 3, 2).unwrap();
        let short = Zeroizing::new(vec![1, 2]);
        for set in [
            vec![],
            vec![shares[0].clone()],
            vec![shares[0].clone(), shares[0].clone()],
            vec![shares[0].clone(), short],
            vec![Zeroizing::new(vec![]), Zeroizing::new(vec![])],
        ] {
            assert_eq!(combine(&set).err(), Some(ShamirError::Shares));
        }
    }

    proptest! {
        #[test]
        fn any_subset_of_at_least_the_threshold_gives_the_secret(
            secret in proptest::collection::vec(any::<u8>(), 1..40),
            count in 2usize..7,
            spare in 0usize..5,
            order in any::<prop::sample::Index>(),
        ) {
            let threshold = (count - spare.min(count - 2)).max(2);
            let mut shares = split(&secret, count, threshold).unwrap();
            shares.rotate_left(order.index(count));
            prop_assert_eq!(combine(&shares[..threshold]).unwrap().to_vec(), secret.clone());
            prop_assert_eq!(combine(&shares).unwrap().to_vec(), secret);
        }
    }
}
