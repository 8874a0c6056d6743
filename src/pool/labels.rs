//! The labels of a configuration, ready for use: atoms, recipe hashes, and who serves an expression.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::config::{LabelSet, ProviderLimits};
use super::expression::{Expression, ExpressionError};
use super::label::LabelDefinition;

/// How many close names an error offers.
const CLOSEST: usize = 3;

/// An expression that no label serves. Another try would end the same way (decision 8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// It cannot be read.
    #[error(transparent)]
    Syntax(ExpressionError),
    /// It names what nobody offers.
    #[error("no label offers '{atom}'{}", hint(.closest))]
    UnknownAtom {
        /// The name.
        atom: String,
        /// The closest names that somebody offers.
        closest: Vec<String>,
    },
    /// Every name is known, but no label has them together.
    #[error("no label is '{expression}'{}", hint(.closest))]
    Nobody {
        /// The expression.
        expression: String,
        /// The labels that come closest.
        closest: Vec<String>,
    },
    /// A name of the mapping table (pools-P14) stands for an expression that cannot be read.
    #[error("the node name '{name}' is mapped to a wrong expression: {error}")]
    Mapped {
        /// The old name.
        name: String,
        /// What is wrong with its expression.
        error: ExpressionError,
    },
}

fn hint(closest: &[String]) -> String {
    if closest.is_empty() {
        return String::new();
    }
    format!("; the closest are '{}'", closest.join("', '"))
}

/// One label, ready for use.
#[derive(Debug, Clone)]
pub(super) struct LabelEntry {
    pub(super) definition: Arc<LabelDefinition>,
    /// Identifies what its nodes are made from (pools-P8).
    pub(super) hash: String,
    atoms: BTreeSet<String>,
    provider_order: usize,
}

/// All labels of a configuration.
#[derive(Debug, Default)]
pub(super) struct LabelTable {
    pub(super) entries: Vec<LabelEntry>,
    map: HashMap<String, String>,
}

impl LabelTable {
    pub(super) fn new(set: LabelSet, providers: &[ProviderLimits]) -> LabelTable {
        let entry = |definition: LabelDefinition| LabelEntry {
            hash: recipe_hash(&definition),
            atoms: atoms(&definition).collect(),
            provider_order: providers
                .iter()
                .position(|provider| provider.provider == definition.provider)
                .unwrap_or(usize::MAX),
            definition: Arc::new(definition),
        };
        LabelTable {
            entries: set.definitions.into_iter().map(entry).collect(),
            map: set.map.into_iter().collect(),
        }
    }

    /// The entry of a label of that name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.definition.name == name)
    }

    /// Names, aliases and mapped old names: what `build:JOB:LABEL` is offered for (decision 9).
    pub(super) fn offered(&self) -> Vec<String> {
        let own = self.entries.iter().flat_map(|entry| {
            let definition = &entry.definition;
            std::iter::once(&definition.name).chain(&definition.aliases)
        });
        let mapped = self.map.keys().filter(|name| !name.contains(' '));
        let all: BTreeSet<&String> = own.chain(mapped).collect();
        all.into_iter().cloned().collect()
    }

    /// The labels that serve an expression, best first: exact name, then fewest further atoms, then the order of providers (pools-P12).
    pub(super) fn matching(&self, expression: &str) -> Result<Vec<usize>, LabelError> {
        let parsed = self.parse(expression.trim())?;
        let mut matching: Vec<usize> = (0..self.entries.len())
            .filter(|index| {
                let atoms = &self.entries[*index].atoms;
                parsed.matches(&|atom| atoms.contains(atom))
            })
            .collect();
        if matching.is_empty() {
            return Err(self.nobody(expression, &parsed));
        }
        let mut named = BTreeSet::new();
        parsed.each_atom(&mut |atom| {
            named.insert(atom);
        });
        matching.sort_by_key(|index| {
            let entry = &self.entries[*index];
            let exact = matches!(&parsed, Expression::Atom(atom) if *atom == entry.definition.name);
            let further = own_atoms(&entry.definition).filter(|atom| !named.contains(atom)).count();
            (!exact, further, entry.provider_order, *index)
        });
        Ok(matching)
    }

    /// Reads an expression and puts in what old names stand for (pools-P14).
    fn parse(&self, text: &str) -> Result<Expression, LabelError> {
        if let Some(mapped) = self.map.get(text) {
            return Expression::parse(mapped)
                .map_err(|error| LabelError::Mapped { name: text.to_owned(), error });
        }
        let parsed = Expression::parse(text).map_err(LabelError::Syntax)?;
        let mut wrong = None;
        parsed.each_atom(&mut |atom| {
            if let Some(Err(error)) = self.map.get(atom).map(|text| Expression::parse(text)) {
                wrong = wrong.take().or(Some(LabelError::Mapped { name: atom.to_owned(), error }));
            }
        });
        match wrong {
            Some(error) => Err(error),
            None => Ok(parsed.substitute(&|atom| Expression::parse(self.map.get(atom)?).ok())),
        }
    }

    fn nobody(&self, expression: &str, parsed: &Expression) -> LabelError {
        let mut unknown = None;
        parsed.each_atom(&mut |atom| {
            let known = self.entries.iter().any(|entry| entry.atoms.contains(atom));
            if !known && unknown.is_none() {
                unknown = Some(atom);
            }
        });
        match unknown {
            Some(atom) => LabelError::UnknownAtom { atom: atom.to_owned(), closest: self.closest(atom) },
            None => LabelError::Nobody {
                expression: expression.to_owned(),
                closest: self
                    .entries
                    .iter()
                    .map(|entry| entry.definition.name.clone())
                    .take(CLOSEST)
                    .collect(),
            },
        }
    }

    fn closest(&self, atom: &str) -> Vec<String> {
        let all = self.entries.iter().flat_map(|entry| &entry.atoms);
        let known: BTreeSet<&String> = all.chain(self.map.keys()).collect();
        let limit = (atom.chars().count() / 3).max(2);
        let mut near: Vec<(usize, &String)> = known
            .into_iter()
            .map(|name| (distance(atom, name), name))
            .filter(|(distance, name)| *distance <= limit || (atom.len() > 2 && name.contains(atom)))
            .collect();
        near.sort();
        near.truncate(CLOSEST);
        near.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

/// The labels that serve an expression, best first.
///
/// # Errors
/// When the expression cannot be read, or no label serves it.
pub fn serving(
    set: &LabelSet,
    providers: &[ProviderLimits],
    expression: &str,
) -> Result<Vec<String>, LabelError> {
    let table = LabelTable::new(set.clone(), providers);
    let matching = table.matching(expression)?;
    Ok(matching.into_iter().map(|index| table.entries[index].definition.name.clone()).collect())
}

fn own_atoms(definition: &LabelDefinition) -> impl Iterator<Item = &str> {
    std::iter::once(&definition.name).chain(&definition.aliases).map(String::as_str)
}

/// Name, aliases, and where its nodes come from (pools-P11).
fn atoms(definition: &LabelDefinition) -> impl Iterator<Item = String> {
    let place = [format!("provider:{}", definition.provider), format!("pool:{}", definition.pool)];
    own_atoms(definition).map(str::to_owned).chain(place)
}

/// What a node is made from, and nothing else: names, stock and limits of number may change without replacing nodes (pools-P8).
fn recipe_hash(definition: &LabelDefinition) -> String {
    let recipe = (
        (&definition.provider, &definition.image, &definition.user),
        (definition.cpus_milli, definition.memory_bytes),
        (definition.pids, definition.shm_bytes, definition.disk_bytes),
        (&definition.mounts, &definition.environment),
        (definition.profile, &definition.network),
    );
    let digest = Sha256::digest(format!("{recipe:?}"));
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many characters have to be put in, left out or changed to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in right.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::testing::label;

    fn table(labels: &[(&str, &str, &[&str])], map: &[(&str, &str)]) -> LabelTable {
        let definitions = labels
            .iter()
            .map(|(name, provider, aliases)| LabelDefinition {
                aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
                ..label(name, provider)
            })
            .collect();
        let map =
            map.iter().map(|(name, expression)| ((*name).to_owned(), (*expression).to_owned())).collect();
        let providers = [ProviderLimits::new("near"), ProviderLimits::new("far")];
        LabelTable::new(LabelSet { definitions, map }, &providers)
    }

    fn names(table: &LabelTable, expression: &str) -> Vec<String> {
        let matching = table.matching(expression).unwrap();
        let name = |index: usize| table.entries[index].definition.name.clone();
        matching.into_iter().map(name).collect()
    }

    #[test]
    fn pools_p12_exact_name_then_fewest_further_atoms_then_provider() {
        let table = table(
            &[
                ("big", "far", &["docker", "jessie", "php"]),
                ("far-small", "far", &["docker"]),
                ("small", "near", &["docker"]),
                ("docker", "far", &["a", "b", "c", "d"]),
            ],
            &[],
        );
        assert_eq!(names(&table, "docker"), ["docker", "small", "far-small", "big"]);
        assert_eq!(names(&table, "docker && provider:near"), ["small"]);
        assert_eq!(names(&table, "")[..2], ["small".to_owned(), "far-small".to_owned()]);
    }

    #[test]
    fn pools_p14_old_node_names_stand_for_expressions() {
        let table = table(
            &[("one", "near", &["docker", "jessie"])],
            &[
                ("ci-jessie-wikimedia", "docker && jessie"),
                ("DebianJessie && !x", "docker"),
                ("bad", "docker &&"),
            ],
        );
        assert_eq!(names(&table, "ci-jessie-wikimedia"), ["one"]);
        assert_eq!(names(&table, "ci-jessie-wikimedia || nothing"), ["one"]);
        assert_eq!(names(&table, "DebianJessie && !x"), ["one"]);
        let error = table.matching("one && bad").unwrap_err();
        assert!(
            error.to_string().starts_with("the node name 'bad' is mapped to a wrong expression"),
            "{error}"
        );
        assert!(table.offered().contains(&"ci-jessie-wikimedia".to_owned()));
    }

    #[test]
    fn pools_p11_unknown_names_come_with_the_closest_known_ones() {
        let table = table(&[("debian-jessie", "near", &["docker"]), ("zephyr", "far", &[])], &[]);
        let text = |expression: &str| table.matching(expression).unwrap_err().to_string();
        assert_eq!(
            text("debian-jesie && docker"),
            "no label offers 'debian-jesie'; the closest are 'debian-jessie'"
        );
        assert_eq!(text("qqqqq"), "no label offers 'qqqqq'");
        assert_eq!(text("jessie"), "no label offers 'jessie'; the closest are 'debian-jessie'");
        assert_eq!(
            text("docker && zephyr"),
            "no label is 'docker && zephyr'; the closest are 'debian-jessie', 'zephyr'"
        );
    }

    #[test]
    fn pools_p8_the_hash_tells_recipes_apart_and_nothing_else() {
        let first = label("a", "near");
        let mut other = first.clone();
        other.min_ready = 7;
        other.aliases.push("x".to_owned());
        assert_eq!(recipe_hash(&first), recipe_hash(&other));
        other.image = Some("debian:13".to_owned());
        assert_ne!(recipe_hash(&first), recipe_hash(&other));
    }
}
