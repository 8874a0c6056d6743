//! The secrets of a build: what its credentials are, and where they go (jjb 23 `credentials-binding`, pools-12.13).

use std::sync::Arc;

use super::run::Trouble;
use crate::catalog::recipe::{BindingForm, CredentialBinding, ManagedFile, ParameterKind, Recipe};
use crate::console::Masks;
use crate::image::Login;
use crate::model::Parameters;

/// Files with secrets lie below this directory beside the workspace, as Jenkins has them: never in it.
pub(super) const FILES: &str = "secretFiles";
/// Keys that are handed to an ssh agent lie below this one.
pub(super) const AGENT_KEYS: &str = "agentKeys";
/// Only the build's user may read them (pools-D90).
pub(super) const FILE_MODE: u32 = 0o400;

/// A credential's content.
#[derive(Clone)]
pub enum Secret {
    /// One text.
    Text(Vec<u8>),
    /// A file.
    File {
        /// Its name, without folders.
        name: String,
        /// What is in it.
        content: Vec<u8>,
    },
    /// A user and a password.
    UserPassword {
        /// The user's name, which is no secret.
        user: String,
        /// The password.
        password: Vec<u8>,
    },
    /// A private ssh key.
    SshKey {
        /// The user's name.
        user: String,
        /// The key.
        key: Vec<u8>,
    },
}

impl Secret {
    fn kind(&self) -> &'static str {
        match self {
            Secret::Text(_) => "text",
            Secret::File { .. } => "file",
            Secret::UserPassword { .. } => "user with password",
            Secret::SshKey { .. } => "ssh key",
        }
    }
}

/// A credential that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFailure {
    /// There is none of that id.
    #[error("it is not in the secret store; add it to 'credentials' in the configuration and reload")]
    Unknown,
    /// It cannot be read where the configuration says that it lies.
    #[error("{0}; mend its entry under 'credentials' in the configuration")]
    Unreadable(String),
}

/// Where credentials come from.
pub trait SecretStore: Send + Sync + 'static {
    /// The credential of that id. May wait for the disk.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn secret(&self, id: &str) -> Result<Secret, SecretFailure>;
}

/// A managed file for the workspace.
pub(super) struct PlacedFile {
    /// Its path there, perhaps with variables.
    pub target: String,
    /// The variable that gets the path; empty: none.
    pub variable: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// What a build gets: ready variables, files to be put on the node, and what its log must not show.
#[derive(Default)]
pub(super) struct Bound {
    /// Variables with their values.
    pub variables: Vec<(String, String)>,
    /// Files: the variable that gets the path (empty: none), the path beside the workspace, the content.
    pub files: Vec<(String, String, Vec<u8>)>,
    /// Files that go into the workspace.
    pub placed: Vec<PlacedFile>,
    /// The secrets of the credentials, and the values of the parameters that are passwords.
    pub masks: Masks,
    /// Those of the credentials alone.
    pub credentials: Masks,
}

/// User and password for a registry, read when they are needed.
///
/// # Errors
/// Why they cannot be had, with what to do.
pub(super) async fn login(store: &Arc<dyn SecretStore>, id: &str) -> Result<Login, String> {
    let (store, wanted) = (Arc::clone(store), id.to_owned());
    let read = tokio::task::spawn_blocking(move || store.secret(&wanted)).await;
    let secret = read.map_err(|problem| problem.to_string())?;
    match secret.map_err(|failure| format!("the credential '{id}' is needed: {failure}"))? {
        Secret::UserPassword { user, password } => {
            let password = String::from_utf8(password);
            let password =
                password.map_err(|_| format!("the password of the credential '{id}' is no text"))?;
            Ok(Login { user, password })
        }
        other => Err(format!(
            "a registry takes a user with password, but the secret store has the credential '{id}' as {}",
            other.kind()
        )),
    }
}

impl Bound {
    /// Reads all credentials of a recipe: before a node is used, so that a missing one costs nothing (jjb 23, pools-D92).
    ///
    /// # Errors
    /// A definition's trouble that names the credential and what to do.
    pub async fn gather(
        store: &Arc<dyn SecretStore>,
        recipe: &Recipe,
        parameters: &Parameters,
    ) -> Result<Bound, Trouble> {
        let wanted = Wanted {
            bindings: recipe.credentials.clone(),
            managed: recipe.managed_files.clone(),
            keys: recipe.ssh_agent.clone(),
            passwords: passwords(recipe, parameters),
        };
        if wanted.is_nothing() {
            return Ok(Bound::default());
        }
        let store = Arc::clone(store);
        let read = tokio::task::spawn_blocking(move || read(&*store, &wanted));
        let bound = read.await.map_err(|problem| Trouble::Infrastructure(problem.to_string()))?;
        bound.map_err(Trouble::Definition)
    }
}

/// The values of the parameters that the job declares as passwords (jjb-T25).
fn passwords(recipe: &Recipe, parameters: &Parameters) -> Vec<String> {
    let declared = recipe.parameters.iter().filter(|declared| declared.kind == ParameterKind::Password);
    declared
        .flat_map(|declared| {
            let given = parameters.text(&declared.name).map(|text| text.into_owned());
            [given.unwrap_or_default(), declared.default.clone()]
        })
        .filter(|value| !value.is_empty())
        .collect()
}

/// What a recipe wants of the secret store, and which parameters are secrets.
#[derive(Default)]
struct Wanted {
    bindings: Vec<CredentialBinding>,
    managed: Vec<ManagedFile>,
    keys: Vec<String>,
    passwords: Vec<String>,
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.bindings.is_empty()
            && self.managed.is_empty()
            && self.keys.is_empty()
            && self.passwords.is_empty()
    }
}

fn read(store: &dyn SecretStore, wanted: &Wanted) -> Result<Bound, String> {
    let mut bound = Bound::default();
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    let find =
        |id: &str| store.secret(id).map_err(|failure| format!("the credential '{id}' is needed: {failure}"));
    for binding in &wanted.bindings {
        bind(&mut bound, &mut secrets, binding, find(&binding.credential)?)?;
    }
    for file in &wanted.managed {
        bound.add_managed(file, find(&file.id)?)?;
    }
    for id in &wanted.keys {
        match find(id)? {
            Secret::SshKey { key, .. } => {
                secrets.push(key.clone());
                let path = format!("{AGENT_KEYS}/{}", bound.files.len() + 1);
                // ssh refuses a key whose last line does not end.
                bound.files.push((String::new(), path, [&key[..], b"\n"].concat()));
            }
            other => {
                let kind = other.kind();
                return Err(format!(
                    "the ssh agent needs the credential '{id}' as an ssh key, not as {kind}"
                ));
            }
        }
    }
    let passwords = &wanted.passwords;
    let masks = |secrets: &[&[u8]]| {
        let advice = "bind fewer or smaller credentials in one job";
        Masks::new(secrets.iter().copied()).map_err(|problem| format!("{problem}; {advice}"))
    };
    let own: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    bound.credentials = masks(&own)?;
    bound.masks = masks(&[own, passwords.iter().map(String::as_bytes).collect()].concat())?;
    Ok(bound)
}

/// Gives one credential in the form that the job wants.
fn bind(
    bound: &mut Bound,
    secrets: &mut Vec<Vec<u8>>,
    binding: &CredentialBinding,
    secret: Secret,
) -> Result<(), String> {
    let id = &binding.credential;
    let kind = secret.kind();
    let mut set = |name: &str, value: Vec<u8>| {
        let value = String::from_utf8(value).ok().filter(|value| !value.contains('\0'));
        let value = value.ok_or_else(|| {
            format!("the credential '{id}' cannot be put into a variable: it is no text. Bind it as a file")
        })?;
        bound.variables.push((name.to_owned(), value));
        Ok::<(), String>(())
    };
    match (&binding.form, secret) {
        (BindingForm::Text { variable }, Secret::Text(text)) => {
            secrets.push(text.clone());
            set(variable, text)?;
        }
        (BindingForm::File { variable }, Secret::File { name, content }) => {
            secrets.push(content.clone());
            bound.add_file(variable, &name, content);
        }
        (BindingForm::UserPassword { variable }, Secret::UserPassword { user, password }) => {
            let both = [user.as_bytes(), b":", &password].concat();
            secrets.extend([both.clone(), password]);
            set(variable, both)?;
        }
        (
            BindingForm::UserPasswordSeparated { user: user_variable, password: variable },
            Secret::UserPassword { user, password },
        ) => {
            secrets.push(password.clone());
            set(user_variable, user.into_bytes())?;
            set(variable, password)?;
        }
        (BindingForm::SshKey { key_file, user: user_variable, passphrase }, Secret::SshKey { user, key }) => {
            secrets.push(key.clone());
            if let Some(variable) = user_variable {
                set(variable, user.into_bytes())?;
            }
            if let Some(variable) = passphrase {
                // Keys of the secret store have none.
                set(variable, Vec::new())?;
            }
            // ssh refuses a key whose last line does not end.
            bound.add_file(key_file, "key", [&key[..], b"\n"].concat());
        }
        (form, _) => {
            let wanted = match form {
                BindingForm::Text { .. } => "a text",
                BindingForm::File { .. } => "a file",
                BindingForm::UserPassword { .. } | BindingForm::UserPasswordSeparated { .. } => {
                    "a user with password"
                }
                BindingForm::SshKey { .. } => "an ssh key",
            };
            return Err(format!(
                "the job wants the credential '{id}' as {wanted}, but the secret store has it as {kind}; \
                 change its entry under 'credentials' or the job's binding"
            ));
        }
    }
    Ok(())
}

impl Bound {
    /// A managed file. Its text is not masked: most of its lines are no secret, and Jenkins shows them too.
    fn add_managed(&mut self, file: &ManagedFile, secret: Secret) -> Result<(), String> {
        let (name, content) = match secret {
            Secret::File { name, content } => (name, content),
            Secret::Text(content) => (file.id.clone(), content),
            other => {
                let (id, kind) = (&file.id, other.kind());
                return Err(format!(
                    "the job wants the managed file '{id}', but the secret store has it as {kind}"
                ));
            }
        };
        if file.target.is_empty() {
            self.add_file(&file.variable, &name, content);
        } else {
            let folder = file.target.ends_with('/');
            let target = if folder { format!("{}{name}", file.target) } else { file.target.clone() };
            self.placed.push(PlacedFile { target, variable: file.variable.clone(), content });
        }
        Ok(())
    }

    fn add_file(&mut self, variable: &str, name: &str, content: Vec<u8>) {
        // A folder of its own for each: two files may have the same name.
        let path = format!("{FILES}/{}/{name}", self.files.len() + 1);
        self.files.push((variable.to_owned(), path, content));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl SecretStore for Fixed {
        fn secret(&self, id: &str) -> Result<Secret, SecretFailure> {
            match id {
                "text" => Ok(Secret::Text(b"hunter2!".to_vec())),
                "binary" => Ok(Secret::Text(vec![0xff, 0])),
                "netrc" => {
                    Ok(Secret::File { name: "netrc".into(), content: b"machine x\npassword pw42\n".to_vec() })
                }
                "user" => Ok(Secret::UserPassword { user: "ann".into(), password: b"pass word".to_vec() }),
                "key" => Ok(Secret::SshKey { user: "git".into(), key: b"-----KEY\nabcdef".to_vec() }),
                _ => Err(SecretFailure::Unknown),
            }
        }
    }

    fn bound(credential: &str, form: BindingForm) -> Result<Bound, String> {
        let binding = CredentialBinding { credential: credential.into(), form, place: Default::default() };
        read(&Fixed, &Wanted { bindings: vec![binding], ..Wanted::default() })
    }

    fn text(variable: &str) -> BindingForm {
        BindingForm::Text { variable: variable.into() }
    }

    #[test]
    fn jjb_23_each_form_goes_where_jenkins_puts_it() {
        assert_eq!(bound("text", text("A")).unwrap().variables, [("A".into(), "hunter2!".into())]);
        let file = bound("netrc", BindingForm::File { variable: "N".into() }).unwrap();
        assert_eq!((&*file.files[0].0, &*file.files[0].1), ("N", "secretFiles/1/netrc"));
        assert_eq!(file.masks.hide("password pw42"), "*************");
        let both = bound("user", BindingForm::UserPassword { variable: "UP".into() }).unwrap();
        assert_eq!(both.variables, [("UP".into(), "ann:pass word".into())]);
        assert_eq!(both.masks.hide("ann said: pass+word"), "ann said: *********");
        let form = BindingForm::UserPasswordSeparated { user: "U".into(), password: "P".into() };
        let variables = bound("user", form).unwrap().variables;
        assert_eq!(variables, [("U".into(), "ann".into()), ("P".into(), "pass word".into())]);
        let form = BindingForm::SshKey { key_file: "K".into(), user: Some("U".into()), passphrase: None };
        let key = bound("key", form).unwrap();
        assert_eq!(key.variables, [("U".into(), "git".into())]);
        assert!(key.files[0].2.ends_with(b"abcdef\n"));
    }

    #[test]
    fn what_cannot_be_given_says_which_and_what_to_do() {
        for (credential, form, want) in [
            ("nope", text("A"), "'nope' is needed: it is not in the secret store; add it"),
            ("user", text("A"), "'user' as a text, but the secret store has it as user with password"),
            ("binary", text("A"), "'binary' cannot be put into a variable"),
        ] {
            let problem = bound(credential, form).err().unwrap();
            assert!(problem.contains(want), "{problem}");
        }
    }

    #[test]
    fn jjb_23_managed_files_and_keys_of_an_agent() {
        let file = |id: &str, target: &str| ManagedFile {
            id: id.into(),
            target: target.into(),
            variable: "SETTINGS".into(),
            place: Default::default(),
        };
        let managed = vec![file("netrc", ""), file("netrc", "conf/"), file("text", "$HOME/x")];
        let wanted = Wanted { managed, keys: vec!["key".into()], ..Wanted::default() };
        let bound = read(&Fixed, &wanted).unwrap();
        assert_eq!((&*bound.files[0].0, &*bound.files[0].1), ("SETTINGS", "secretFiles/1/netrc"));
        let targets: Vec<_> = bound.placed.iter().map(|placed| placed.target.as_str()).collect();
        assert_eq!(targets, ["conf/netrc", "$HOME/x"]);
        assert_eq!((&*bound.files[1].0, &*bound.files[1].1), ("", "agentKeys/2"));
        assert_eq!(bound.masks.hide("abcdef"), "******");
        assert_eq!(bound.masks.hide("machine x"), "machine x");
        let wrong = Wanted { keys: vec!["text".into()], ..Wanted::default() };
        assert!(read(&Fixed, &wrong).err().unwrap().contains("as an ssh key, not as text"));
    }

    #[test]
    fn jjb_t25_passwords_of_parameters_are_masked() {
        let wanted = Wanted { passwords: vec!["s3cret".into()], ..Wanted::default() };
        let bound = read(&Fixed, &wanted).unwrap();
        assert_eq!(bound.masks.hide("x s3cret"), "x ******");
        assert!(!bound.credentials.found_in("s3cret"));
    }
}
