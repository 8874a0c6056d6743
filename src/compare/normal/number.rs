//! Numbers, identities and addresses.

const NUMBER: &str = "\u{241a}n";
const IDENTITY: &str = "\u{241a}id";
const ADDRESS: &str = "\u{241a}address";

/// Lines in which a number is what is said: how many tests failed, which exit code, which version was expected.
const MATTERS: [&str; 20] = [
    "fail",
    "error",
    "exit",
    "status",
    "warn",
    "pass",
    "skip",
    "test",
    "assert",
    "version",
    "expect",
    "ok",
    "coverage",
    "result",
    "found",
    "violation",
    "score",
    "total",
    "return",
    "missing",
];

/// Whether the numbers of a line are part of what it says.
pub(super) fn matters(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let words = line.split(|letter: char| !letter.is_ascii_alphabetic());
    let mut words = words.filter(|word| !word.is_empty());
    words.any(|word| {
        MATTERS.iter().any(|sign| if *sign == "ok" { word == "ok" } else { word.starts_with(sign) })
    })
}

/// Whether a word that was made comparable is a bare amount.
pub(super) fn is_amount(word: &str) -> bool {
    let word = word.trim_matches(['(', '[', '~', '<']);
    word == NUMBER
        || (!word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b','))
}

/// The placeholder, if the word is an identity that is made anew for each run, or an address.
pub(super) fn identity(word: &str) -> Option<String> {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(address) = word.strip_prefix("0x") {
        return hex(address).then(|| ADDRESS.to_owned());
    }
    let groups: Vec<&str> = word.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| hex(group)) {
        return Some(IDENTITY.to_owned());
    }
    // Ids of containers and images, and digests of what was made. Forty digits are a commit: that one matters.
    let bare = word.strip_prefix("sha256:").unwrap_or(word);
    if [12, 32, 64].contains(&bare.len()) && hex(bare) && bare.bytes().any(|byte| byte.is_ascii_digit()) {
        return Some(IDENTITY.to_owned());
    }
    let (host, port) = word.rsplit_once(':').unwrap_or((word, "0"));
    let octets: Vec<&str> = host.split('.').collect();
    let of_four = octets.len() == 4 && octets.iter().all(|octet| octet.parse::<u8>().is_ok());
    (of_four && port.parse::<u16>().is_ok()).then(|| ADDRESS.to_owned())
}

/// The word with its numbers taken out, unless they are `exact` or part of a version or a commit.
pub(super) fn without(word: &str, exact: bool) -> String {
    if exact || is_version(word) || is_commit(word) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    let mut inside = false;
    for letter in word.chars() {
        let part = letter.is_ascii_digit() || (inside && (letter == '.' || letter == ','));
        match (part, inside) {
            (true, false) => out.push_str(NUMBER),
            (true, true) => {}
            (false, _) => out.push(letter),
        }
        inside = part;
    }
    out
}

/// `3.11.2`, `v1.0.0-rc1`, `requests-2.31.0`, `foo==1.2.3`: three numbers between dots.
fn is_version(word: &str) -> bool {
    let numbers = word.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    numbers.into_iter().any(|part| part.split('.').filter(|number| !number.is_empty()).count() >= 3)
}

fn is_commit(word: &str) -> bool {
    word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}
