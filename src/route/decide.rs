//! The routing decision: a pure function of policy and build (design A10).

use super::rule::{Able, Asked, Rule, Source, Word};
use crate::model::{JobName, Route, Selector, Setting, Side, Stage, Turn};

/// The policy: what was turned by command counts before what is configured. Of turns the newest that takes a build counts, of
/// configured routes the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// The newest first.
    turned: Vec<Rule>,
    configured: Vec<Rule>,
}

/// Where a job's name belongs, whatever its builds are for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Its builds need a place on that master.
    Master(String),
    /// Its builds need a node.
    Pool,
}

impl Routes {
    /// A policy of these routes of the configuration.
    pub fn new(configured: Vec<Rule>) -> Routes {
        Routes { turned: Vec::new(), configured }
    }

    /// The same turns over other routes of the configuration.
    #[must_use]
    pub fn over(&self, base: &Routes) -> Routes {
        Routes { turned: self.turned.clone(), configured: base.configured.clone() }
    }

    /// The same routes of the configuration under these turns; those without a setting say nothing.
    #[must_use]
    pub fn under<'a>(&self, turns: impl IntoIterator<Item = &'a Turn>) -> Routes {
        let rule = |turn: &Turn| {
            let (which, setting) = (turn.which.clone()?, turn.setting.clone()?);
            Some((turn.number, Rule { which, setting, source: Source::Turned(Box::new(turn.clone())) }))
        };
        let mut turned: Vec<(u64, Rule)> = turns.into_iter().filter_map(rule).collect();
        turned.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let turned = turned.into_iter().map(|(_, rule)| rule).collect();
        Routes { turned, configured: self.configured.clone() }
    }

    /// All rules, in the order in which they count.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.turned.iter().chain(&self.configured)
    }

    /// The rule that is made for exactly these builds.
    pub fn of(&self, which: &Selector) -> Option<&Rule> {
        self.rules().find(|rule| rule.which == *which)
    }

    /// The first rule that takes a build and has something to say about it.
    pub fn rule(&self, asked: &Asked, able: Able) -> Option<&Rule> {
        self.rules().find(|rule| rule.takes(asked) && rule.say(asked, able) != Word::Cannot)
    }

    /// Where a build runs. `None`: it is none of ours, and goes to whoever registers its job.
    pub fn decide(&self, asked: &Asked, able: Able) -> Option<Route> {
        // What would have counted, had the job been able to run here.
        let mut passed = String::new();
        for rule in self.rules().filter(|rule| rule.takes(asked)) {
            match rule.say(asked, able) {
                Word::Others => return None,
                Word::Cannot => {
                    passed.push_str(&rule.words());
                    passed.push_str(", but the job cannot run here; ");
                }
                Word::Side(side, drawn) => {
                    let mut reason = format!("{passed}{}", rule.words());
                    if let Some(drawn) = drawn {
                        reason.push_str("; ");
                        reason.push_str(&drawn);
                    }
                    return Some(Route { stage: rule.setting.stage, side, reason });
                }
            }
        }
        let reason = "no route names the job, and 'catalog.own' does".to_owned();
        able.owned.then_some(Route { stage: Stage::Pool, side: Side::Pool, reason })
    }

    /// Where a job's name belongs: a name is ours as soon as some of its builds can be.
    pub fn place(&self, job: &JobName, able: Able) -> Option<Place> {
        let mut some = None;
        for rule in self.rules().filter(|rule| rule.takes_name(job)) {
            let Setting { stage, master, .. } = &rule.setting;
            match (stage, master) {
                (_, Some(master)) => return Some(Place::Master(master.clone())),
                (Stage::Pool, None) if able.runs && rule.which.is_for_all_builds() => {
                    return Some(Place::Pool);
                }
                (Stage::Pool, None) if able.runs => some = Some(Place::Pool),
                (Stage::Master, None) if rule.which.is_for_all_builds() => return some,
                (Stage::Master | Stage::Shadow | Stage::Canary | Stage::Pool, None) => {}
            }
        }
        some.or(able.owned.then_some(Place::Pool))
    }

    /// The jobs that rules call by their whole names.
    pub fn named(&self) -> impl Iterator<Item = JobName> {
        self.rules().filter_map(|rule| rule.which.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Millis, TurnKind, ZuulChange};

    const NONE: Able = Able { runs: false, owned: false };
    const RUNS: Able = Able { runs: true, owned: false };
    const OWNED: Able = Able { runs: true, owned: true };

    fn setting(stage: Stage, master: Option<&str>) -> Setting {
        Setting { stage, share: 0, master: master.map(str::to_owned), job: None }
    }

    fn rule(jobs: &str, master: Option<&str>) -> Rule {
        let stage = if master.is_some() { Stage::Master } else { Stage::Pool };
        Rule::configured(Selector::of_jobs(jobs), setting(stage, master))
    }

    fn turn(number: u64, which: Selector, setting: Option<Setting>) -> Turn {
        let (by, why) = ("anna".to_owned(), "a try".to_owned());
        let which = Some(which);
        Turn { number, at: Millis(0), by, why, kind: TurnKind::Set, which, setting, before: None }
    }

    fn asked(job: &str) -> Asked {
        Asked::of_job(job.parse().unwrap())
    }

    fn decided(routes: &Routes, job: &str, able: Able) -> Option<String> {
        routes.decide(&asked(job), able).map(|route| format!("{}: {}", route.stage.as_str(), route.reason))
    }

    #[test]
    fn a_10_the_first_rule_counts_and_is_named() {
        let routes = Routes::new(vec![rule("docs-fast", None), rule("docs-*", Some("ci"))]);
        let said = |job, able| decided(&routes, job, able);
        assert_eq!(said("docs-a", NONE).unwrap(), "master: the route 'docs-*' says master ci");
        assert_eq!(said("docs-fast", RUNS).unwrap(), "pool: the route 'docs-fast' says pool");
        assert_eq!(
            said("docs-fast", NONE).unwrap(),
            "master: the route 'docs-fast' says pool, but the job cannot run here; the route 'docs-*' says master ci"
        );
        assert_eq!(said("unit", OWNED).unwrap(), "pool: no route names the job, and 'catalog.own' does");
        assert_eq!(said("unit", RUNS), None);
    }

    #[test]
    fn a_job_in_a_folder_has_its_own_name_there() {
        let job: JobName = "team/unit".parse().unwrap();
        let mut rule = rule("unit", Some("ci"));
        rule.setting.job = Some(job.clone());
        let routes = Routes::new(vec![rule]);
        let route = routes.decide(&asked("unit"), NONE).unwrap();
        assert_eq!(route.side, Side::Master { name: "ci".into(), job });
        assert_eq!(routes.named().collect::<Vec<_>>(), ["unit".parse().unwrap()]);
    }

    #[test]
    fn the_newest_turn_counts_and_one_taken_back_says_nothing() {
        let base = Routes::new(vec![rule("*", Some("ci"))]);
        let unit = || Selector::of_jobs("unit");
        let turns = [
            turn(1, unit(), Some(Setting::pool())),
            turn(3, Selector::of_jobs("u*"), Some(setting(Stage::Master, None))),
            turn(2, Selector::of_jobs("other"), None),
        ];
        assert_eq!(decided(&base.under(&turns), "unit", RUNS), None, "left to whoever registers it");
        let older = base.under(&turns[..1]);
        let words = "pool: the route 'unit' says pool (set by anna: a try)";
        assert_eq!(decided(&older, "unit", RUNS).unwrap(), words);
        assert_eq!(
            decided(&base.under(&turns), "other", RUNS).unwrap(),
            "master: the route '*' says master ci"
        );
    }

    #[test]
    fn a_rule_for_a_pipeline_leaves_the_others_where_they_are() {
        let which = Selector { pipeline: Some("check".to_owned()), ..Selector::of_jobs("unit") };
        let turns = [turn(1, which, Some(Setting::pool()))];
        let routes = Routes::new(vec![rule("unit", Some("ci"))]).under(&turns);
        let in_pipeline = |pipeline: &str| {
            let change = ZuulChange { pipeline: pipeline.to_owned(), ..ZuulChange::default() };
            routes.decide(&Asked { change, ..asked("unit") }, RUNS).unwrap().stage
        };
        assert_eq!((in_pipeline("check"), in_pipeline("gate")), (Stage::Pool, Stage::Master));
        let job = "unit".parse().unwrap();
        assert_eq!(routes.place(&job, RUNS), Some(Place::Master("ci".to_owned())));
    }

    #[test]
    fn a_name_is_ours_when_a_side_of_ours_may_run_it() {
        let place = |rules: Vec<Rule>, able| Routes::new(rules).place(&"unit".parse().unwrap(), able);
        assert_eq!(place(vec![rule("unit", None)], RUNS), Some(Place::Pool));
        assert_eq!(place(vec![rule("unit", None)], NONE), None);
        assert_eq!(place(Vec::new(), OWNED), Some(Place::Pool));
        let away = Rule::configured(Selector::of_jobs("unit"), setting(Stage::Master, None));
        assert_eq!(place(vec![away], OWNED), None);
        let canary = Rule::configured(Selector::of_jobs("u*"), setting(Stage::Canary, Some("ci")));
        assert_eq!(place(vec![canary], RUNS), Some(Place::Master("ci".to_owned())));
    }
}
