use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn masks(secrets: &[&str]) -> Masks {
    Masks::new(secrets.iter().map(|secret| secret.as_bytes())).unwrap()
}

/// What a log in these pieces becomes, and the most that was held back.
fn masked(masks: &Masks, pieces: &[&[u8]]) -> (Vec<u8>, usize) {
    let mut masker = Masker::new(masks, 0);
    let (mut out, mut taken, mut held) = (Vec::new(), 0, 0);
    for piece in pieces {
        out.extend_from_slice(&masker.push(Bytes::copy_from_slice(piece)));
        taken += piece.len();
        held = held.max(taken - out.len());
    }
    out.extend_from_slice(&masker.finish());
    (out, held)
}

#[test]
fn pools_d47_a_secret_is_masked_however_it_is_cut() {
    let masks = masks(&["hunter2!", "second"]);
    let log = b"user hunter2! and c2Vjb25k, aHVudGVyMiE= hunter2%21 end\n";
    let want = "user ******** and ********, **********E= ********** end\n";
    for cut in 0..log.len() {
        let (out, _) = masked(&masks, &[&log[..cut], &log[cut..]]);
        assert_eq!(String::from_utf8_lossy(&out), want, "{cut}");
    }
    let bytes: Vec<&[u8]> = log.chunks(1).collect();
    assert_eq!(String::from_utf8_lossy(&masked(&masks, &bytes).0), want);
}

#[test]
fn nothing_is_held_back_that_is_no_beginning_of_a_secret() {
    let masks = masks(&["hunter2!"]);
    assert_eq!(masked(&masks, &[b"Password: "]).1, 0);
    assert_eq!(masked(&masks, &[b"the hunt", b"ing season"]).1, 4);
    assert_eq!(masked(&Masks::default(), &[b"any", b"thing"]), (b"anything".to_vec(), 0));
}

#[test]
fn secrets_that_lie_over_each_other_are_masked_together() {
    let masks = masks(&["abcdef", "defghi", "cd"]);
    assert_eq!(masks.hide("xabcdefghix abcd efgh"), "x*********x ab** efgh");
    assert!(masks.found_in("..cd..") && !masks.found_in("c d"));
}

#[test]
fn each_line_of_a_key_is_masked_where_it_stands_alone() {
    let masks = masks(&["-----BEGIN KEY-----\nMIIEabc\nxyz0123\n-----END KEY-----\n"]);
    assert_eq!(masks.hide("+ cat key\nMIIEabc\nxyz0123\ndone"), "+ cat key\n*******\n*******\ndone");
}

#[test]
fn a_14_more_than_can_be_looked_for_is_refused() {
    assert!(Masks::new([&[b'x'; 65 * 1024][..]]).is_err());
    assert_eq!(format!("{:?}", masks(&["hunter2"])), "Masks(…)");
}

#[test]
fn a_log_is_taken_up_again_in_the_middle_of_a_secret() {
    let masks = masks(&["hunter2!", "ter2!x"]);
    let log = b"a hunter2!x b hunter2! c";
    let (whole, _) = masked(&masks, &[log]);
    for stored in 0..=log.len() {
        let warm = stored.min(usize::try_from(masks.reach()).unwrap());
        let mut masker = Masker::new(&masks, warm as u64);
        let mut out = masker.push(Bytes::copy_from_slice(&log[stored - warm..])).to_vec();
        out.extend_from_slice(&masker.finish());
        assert_eq!(out, whole[stored..], "{stored}");
    }
}

proptest! {
    /// Few letters make many overlaps: every occurrence is masked, nothing else is, and cutting changes nothing.
    #[test]
    fn cutting_changes_nothing(
        log in "[ab]{0,60}", first in "[ab]{1,5}", second in "[ab]{1,5}", cuts in proptest::collection::vec(0usize..60, 0..6),
    ) {
        let masks = masks(&[&first, &second]);
        let mut want = log.clone().into_bytes();
        for secret in [&first, &second] {
            for at in 0..log.len() {
                if log[at..].starts_with(secret.as_str()) {
                    want[at..at + secret.len()].fill(b'*');
                }
            }
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(log.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([log.len()]) {
            pieces.push(&log.as_bytes()[from..cut]);
            from = cut;
        }
        let (out, held) = masked(&masks, &pieces);
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(want).unwrap());
        prop_assert!(held < 5);
    }
}
