//! Label expressions as Jenkins has them (pools-P11): `a`, `a && b`, `a || b`, `!a`, `a -> b`, `a <-> b`, parentheses, quoted
//! names; a plain list `a b c` means all of them.
//!
//! From weakest to strongest: `<->`, `->`, `||`, `&&`, `!`. Pure.

/// Longer expressions are refused: they are written by people, and evaluated for every label.
const LONGEST: usize = 4096;
/// Deeper nesting is refused: parsing uses the stack.
const DEEPEST: usize = 64;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// The empty expression: any label will do.
    Any,
    /// The label has this atom.
    Atom(String),
    /// Not.
    Not(Box<Expression>),
    /// Both.
    And(Box<Expression>, Box<Expression>),
    /// Either.
    Or(Box<Expression>, Box<Expression>),
    /// If the first, then the second.
    Implies(Box<Expression>, Box<Expression>),
    /// Both or neither.
    Iff(Box<Expression>, Box<Expression>),
}

/// An expression that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label expression '{expression}', character {at}: {reason}")]
pub struct ExpressionError {
    /// The expression as it was given (its first 200 characters).
    pub expression: String,
    /// Where, counted in characters from 1.
    pub at: usize,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl Expression {
    /// Reads an expression.
    pub(super) fn parse(text: &str) -> Result<Expression, ExpressionError> {
        let fail = |(at, reason): Fault| ExpressionError {
            expression: text.chars().take(200).collect(),
            at: text.get(..at).unwrap_or(text).chars().count() + 1,
            reason,
        };
        if text.len() > LONGEST {
            let reason = format!("has {} bytes; {LONGEST} are allowed", text.len());
            return Err(fail((0, reason)));
        }
        let tokens = tokens(text).map_err(fail)?;
        if let Some(list) = plain_list(&tokens) {
            return Ok(list);
        }
        let mut parser = Parser { tokens: &tokens, end: text.len(), depth: 0 };
        let expression = parser.binary(0).map_err(fail)?;
        match parser.tokens.first() {
            None => Ok(expression),
            Some((at, token)) => Err(fail((*at, unexpected(token)))),
        }
    }

    /// Whether a label that has the atoms for which `has` says yes is what the expression asks for.
    pub(super) fn matches(&self, has: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Expression::Any => true,
            Expression::Atom(atom) => has(atom),
            Expression::Not(inner) => !inner.matches(has),
            Expression::And(left, right) => left.matches(has) && right.matches(has),
            Expression::Or(left, right) => left.matches(has) || right.matches(has),
            Expression::Implies(left, right) => !left.matches(has) || right.matches(has),
            Expression::Iff(left, right) => left.matches(has) == right.matches(has),
        }
    }

    /// Calls `visit` with every atom, in the order in which they were written.
    pub(super) fn each_atom<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Expression::Any => {}
            Expression::Atom(atom) => visit(atom),
            Expression::Not(inner) => inner.each_atom(visit),
            Expression::And(left, right)
            | Expression::Or(left, right)
            | Expression::Implies(left, right)
            | Expression::Iff(left, right) => {
                left.each_atom(visit);
                right.each_atom(visit);
            }
        }
    }

    /// The same expression with atoms replaced by what `replace` makes of them.
    pub(super) fn substitute(self, replace: &dyn Fn(&str) -> Option<Expression>) -> Expression {
        let inner = |inner: Box<Expression>| Box::new(inner.substitute(replace));
        match self {
            Expression::Any => Expression::Any,
            Expression::Atom(atom) => replace(&atom).unwrap_or(Expression::Atom(atom)),
            Expression::Not(of) => Expression::Not(inner(of)),
            Expression::And(left, right) => Expression::And(inner(left), inner(right)),
            Expression::Or(left, right) => Expression::Or(inner(left), inner(right)),
            Expression::Implies(left, right) => Expression::Implies(inner(left), inner(right)),
            Expression::Iff(left, right) => Expression::Iff(inner(left), inner(right)),
        }
    }
}

/// Where (in bytes), and what is wrong there.
type Fault = (usize, String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Atom(String),
    Not,
    And,
    Or,
    Implies,
    Iff,
    Open,
    Close,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Atom(atom) => atom,
            Token::Not => "!",
            Token::And => "&&",
            Token::Or => "||",
            Token::Implies => "->",
            Token::Iff => "<->",
            Token::Open => "(",
            Token::Close => ")",
        }
    }
}

/// The operators that have two sides, weakest first.
const LEVELS: [Token; 4] = [Token::Iff, Token::Implies, Token::Or, Token::And];
const SIGNS: [(&str, Token); 7] = [
    ("<->", Token::Iff),
    ("->", Token::Implies),
    ("&&", Token::And),
    ("||", Token::Or),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
];

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (token, length) = match sign {
            Some((sign, token)) => (token.clone(), sign.len()),
            None if rest.starts_with('"') => quoted(at, rest)?,
            None => plain(at, rest)?,
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

/// A name in double quotes; a backslash takes the next character as it is.
fn quoted(at: usize, rest: &str) -> Result<(Token, usize), Fault> {
    let mut name = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' if name.is_empty() => return Err((at, "a name in quotes is empty".to_owned())),
            '"' => return Ok((Token::Atom(name), offset + 1)),
            '\\' => name.extend(characters.next().map(|(_, next)| next)),
            _ => name.push(character),
        }
    }
    Err((at, "the quote is not closed".to_owned()))
}

/// A name without quotes: it ends at a blank, at a sign, and before `->`; a single `-` belongs to it.
fn plain(at: usize, rest: &str) -> Result<(Token, usize), Fault> {
    let ends = |(offset, character): &(usize, char)| {
        character.is_whitespace() || "&|!<>()\"".contains(*character) || rest[*offset..].starts_with("->")
    };
    let length = rest.char_indices().find(ends).map_or(rest.len(), |(offset, _)| offset);
    if length > 0 {
        return Ok((Token::Atom(rest[..length].to_owned()), length));
    }
    let sign: String = rest.chars().take(1).collect();
    let meant = match sign.as_str() {
        "&" => "write '&&' for both",
        "|" => "write '||' for either",
        _ => "put a name that contains it in double quotes",
    };
    Err((at, format!("'{sign}' is no operator: {meant}")))
}

/// `a b c`: all of them; nothing at all: any label.
fn plain_list(tokens: &[(usize, Token)]) -> Option<Expression> {
    let mut list = Expression::Any;
    for (_, token) in tokens {
        let Token::Atom(atom) = token else {
            return None;
        };
        let atom = Expression::Atom(atom.clone());
        list = match list {
            Expression::Any => atom,
            before => Expression::And(Box::new(before), Box::new(atom)),
        };
    }
    Some(list)
}

fn unexpected(token: &Token) -> String {
    match token {
        Token::Close => "')' closes nothing".to_owned(),
        token => format!("an operator such as '&&' is missing before '{}'", token.text()),
    }
}

struct Parser<'a> {
    tokens: &'a [(usize, Token)],
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn next_is(&mut self, wanted: &Token) -> bool {
        match self.tokens {
            [(_, token), rest @ ..] if token == wanted => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    /// Operators of `level` and all stronger ones; each joins from the left, as in Jenkins.
    fn binary(&mut self, level: usize) -> Result<Expression, Fault> {
        let Some(operator) = LEVELS.get(level) else {
            return self.single();
        };
        let mut left = self.binary(level + 1)?;
        while self.next_is(operator) {
            let sides = (Box::new(left), Box::new(self.binary(level + 1)?));
            left = match operator {
                Token::Iff => Expression::Iff(sides.0, sides.1),
                Token::Implies => Expression::Implies(sides.0, sides.1),
                Token::Or => Expression::Or(sides.0, sides.1),
                _ => Expression::And(sides.0, sides.1),
            };
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expression, Fault> {
        let Some(((at, token), rest)) = self.tokens.split_first() else {
            return Err((self.end, "a name is missing at the end".to_owned()));
        };
        if self.depth == DEEPEST {
            return Err((*at, format!("nested deeper than {DEEPEST} levels")));
        }
        self.tokens = rest;
        self.depth += 1;
        let expression = match token {
            Token::Atom(atom) => Expression::Atom(atom.clone()),
            Token::Not => Expression::Not(Box::new(self.single()?)),
            Token::Open => {
                let inner = self.binary(0)?;
                if !self.next_is(&Token::Close) {
                    return Err(match self.tokens.first() {
                        Some((at, token)) => (*at, unexpected(token)),
                        None => (*at, "'(' is not closed".to_owned()),
                    });
                }
                inner
            }
            token => return Err((*at, format!("a name is missing before '{}'", token.text()))),
        };
        self.depth -= 1;
        Ok(expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, atoms: &str) -> bool {
        let atoms: Vec<&str> = atoms.split(' ').collect();
        Expression::parse(expression).unwrap().matches(&|atom| atoms.contains(&atom))
    }

    #[test]
    fn pools_p11_expressions_mean_what_jenkins_means() {
        let table = [
            ("a", "a b", true),
            ("c", "a b", false),
            ("", "a", true),
            ("  ", "a", true),
            ("a b", "a b c", true),
            ("a d", "a b c", false),
            ("a && b", "a b", true),
            ("a&&c", "a b", false),
            ("a || c", "a b", true),
            ("!a", "b", true),
            ("!!a", "a", true),
            ("!a && b", "b", true),
            ("!(a && b)", "a", true),
            ("a -> b", "c", true),
            ("a->b", "a", false),
            ("a <-> b", "c", true),
            ("a <-> b", "a", false),
            ("a || b && c", "a", true),
            ("(a || b) && c", "a", false),
            ("a -> b -> c", "b", false),
            ("a <-> b || c", "a c", true),
            ("\"with space\" && b", "b", false),
            ("provider:local && b", "provider:local b", true),
            ("ci-jessie-wikimedia", "ci-jessie-wikimedia", true),
            ("a-->b", "a- b", true),
        ];
        for (expression, atoms, expected) in table {
            assert_eq!(matches(expression, atoms), expected, "{expression} on {atoms}");
        }
    }

    #[test]
    fn pools_p11_quotes_hold_any_name() {
        let expression = Expression::parse(r#""a \"b\" && c""#).unwrap();
        assert_eq!(expression, Expression::Atom(r#"a "b" && c"#.to_owned()));
    }

    #[test]
    fn pools_p11_errors_name_place_and_cure() {
        let table = [
            ("a &&", 5, "a name is missing at the end"),
            ("&& a", 1, "a name is missing before '&&'"),
            ("a & b", 3, "'&' is no operator: write '&&' for both"),
            ("a | b", 3, "'|' is no operator: write '||' for either"),
            ("(a", 1, "'(' is not closed"),
            ("a)", 2, "')' closes nothing"),
            ("a && b c", 8, "an operator such as '&&' is missing before 'c'"),
            ("ä \"b", 3, "the quote is not closed"),
            ("\"\"", 1, "a name in quotes is empty"),
            ("a < b", 3, "'<' is no operator: put a name that contains it in double quotes"),
            ("(a b)", 4, "an operator such as '&&' is missing before 'b'"),
        ];
        for (expression, at, reason) in table {
            let error = Expression::parse(expression).unwrap_err();
            assert_eq!((error.at, error.reason.as_str()), (at, reason), "{error}");
        }
    }

    #[test]
    fn long_and_deep_expressions_are_refused() {
        assert!(Expression::parse(&"a".repeat(LONGEST + 1)).is_err());
        let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        assert!(Expression::parse(&deep).unwrap_err().reason.contains("nested"));
        assert!(Expression::parse(&format!("{}a", "!".repeat(1000))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[ab&|!<>() \"\\\\-]{0,40}|\\PC{0,20}") {
            let _ = Expression::parse(&text);
        }
    }
}
