//! `build-args` of `docker-build-publish`: words of the docker client, of which those that can be honoured are taken (docker-M33).

use serde::{Deserialize, Serialize};

/// What the words ask for. Their texts may still have variables, which are replaced word by word, so that no value can add an option.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BuildWords {
    /// `--build-arg`, in order.
    pub arguments: Vec<BuildArgument>,
    /// `--label`: `NAME=VALUE`.
    pub labels: Vec<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--pull`.
    pub pull: bool,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `-m`: at most this much memory.
    pub memory: Option<String>,
    /// `-t`: further references.
    pub tags: Vec<String>,
    /// `-f`.
    pub file: Option<String>,
}

/// One build argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildArgument {
    /// Its name.
    pub name: String,
    /// Its value; `None`: the build's variable of that name.
    pub value: Option<String>,
}

/// A word that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordProblem {
    /// The client knows it, and it is not carried.
    #[error("'{0}' is not carried yet")]
    NotCarried(String),
    /// It is no option of an image build.
    #[error("'{0}' is no option of an image build that can be honoured")]
    Unknown(String),
    /// Its value is missing.
    #[error("'{0}' has no value")]
    WithoutValue(String),
    /// Marks are Causeway's own (docker-M10).
    #[error("labels that begin with 'causeway.' are Causeway's own: '{0}'")]
    OwnLabel(String),
}

/// Options with a value that the client knows and that are not carried.
const NOT_CARRIED: [&str; 12] = [
    "--memory-swap",
    "--cpu-shares",
    "-c",
    "--cpu-period",
    "--cpu-quota",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--shm-size",
    "--ulimit",
    "--network",
    "--add-host",
    "--cache-from",
];

impl BuildWords {
    /// Reads the words, and whatever is wrong with them.
    pub fn parse(words: &[String]) -> (BuildWords, Vec<WordProblem>) {
        let (mut taken, mut problems) = (BuildWords::default(), Vec::new());
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let (option, inline) = match word.split_once('=') {
                Some((option, value)) if word.starts_with("--") => (option, Some(value)),
                _ => (word.as_str(), None),
            };
            if let Err(problem) = taken.take(option, inline, &mut rest) {
                problems.push(problem);
            }
        }
        (taken, problems)
    }

    fn take(
        &mut self,
        option: &str,
        inline: Option<&str>,
        rest: &mut std::slice::Iter<'_, String>,
    ) -> Result<(), WordProblem> {
        let mut value = || {
            let value = inline.map(str::to_owned).or_else(|| rest.next().cloned());
            value.ok_or_else(|| WordProblem::WithoutValue(option.to_owned()))
        };
        let set = inline != Some("false");
        match option {
            "--build-arg" => self.arguments.push(argument(&value()?)),
            "--label" => {
                let label = value()?;
                if label.starts_with("causeway.")
                    || label.split('=').next().is_some_and(|key| key.contains('$'))
                {
                    return Err(WordProblem::OwnLabel(label));
                }
                self.labels.push(label);
            }
            "--target" => self.target = Some(value()?),
            "--tag" | "-t" => self.tags.push(value()?),
            "--file" | "-f" => self.file = Some(value()?),
            "--memory" | "-m" => self.memory = Some(value()?),
            "--pull" => self.pull = set,
            "--no-cache" => self.no_cache = set,
            // Both are always so here, and the log is never silent.
            "--rm" | "--force-rm" | "-q" | "--quiet" => {}
            known if NOT_CARRIED.contains(&known) => {
                value()?;
                return Err(WordProblem::NotCarried(known.to_owned()));
            }
            _ => return Err(WordProblem::Unknown(option.to_owned())),
        }
        Ok(())
    }
}

fn argument(text: &str) -> BuildArgument {
    match text.split_once('=') {
        Some((name, value)) => BuildArgument { name: name.to_owned(), value: Some(value.to_owned()) },
        None => BuildArgument { name: text.to_owned(), value: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (BuildWords, Vec<WordProblem>) {
        BuildWords::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn docker_m33_words_are_taken_or_named() {
        let (taken, problems) = words(
            "--build-arg https_proxy=http://p:1 --build-arg=A --label a=b --target t --pull --no-cache=false -t x -f D -m 64m --rm -q",
        );
        assert_eq!(problems, []);
        let argument = |name: &str, value: Option<&str>| BuildArgument {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(taken.arguments, [argument("https_proxy", Some("http://p:1")), argument("A", None)]);
        assert!(taken.pull && !taken.no_cache);
        assert_eq!((taken.target.as_deref(), taken.file.as_deref()), (Some("t"), Some("D")));
        assert_eq!((taken.tags, taken.memory.as_deref()), (vec!["x".to_owned()], Some("64m")));
        for (text, problem) in [
            ("--privileged-ish", WordProblem::Unknown("--privileged-ish".into())),
            ("x", WordProblem::Unknown("x".into())),
            ("--network host", WordProblem::NotCarried("--network".into())),
            ("--target", WordProblem::WithoutValue("--target".into())),
            ("--label causeway.scope=x", WordProblem::OwnLabel("causeway.scope=x".into())),
            ("--label $X=y", WordProblem::OwnLabel("$X=y".into())),
        ] {
            assert_eq!(words(text).1, [problem], "{text}");
        }
    }
}
