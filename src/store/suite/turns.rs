//! Changes of routes.

use std::future::Future;

use crate::model::{Millis, Selector, Setting, Stage, Turn, TurnKind};
use crate::store::{Store, TurnFilter};

pub(super) async fn run<S: Store, F: Future<Output = S>>(new: &impl Fn() -> F) {
    the_newest_turn_of_a_selector_counts(&new().await).await;
    a_turn_is_kept_once_and_whole(&new().await).await;
}

fn turn(number: u64, jobs: &str) -> Turn {
    Turn {
        number,
        at: Millis(number),
        by: "anna".to_owned(),
        why: "trying".to_owned(),
        kind: TurnKind::Set,
        which: Some(Selector::of_jobs(jobs)),
        setting: Some(Setting::pool()),
        before: None,
    }
}

async fn the_newest_turn_of_a_selector_counts(store: &dyn Store) {
    let in_check = Selector { pipeline: Some("check".to_owned()), ..Selector::of_jobs("a") };
    let mut turns = vec![turn(1, "a"), turn(2, "b"), turn(3, "a")];
    turns.push(Turn { which: Some(in_check), ..turn(4, "a") });
    turns.push(Turn { which: None, setting: None, kind: TurnKind::Freeze, ..turn(5, "a") });
    store.turn_routes(turns).await.unwrap();
    let thaw = Turn { which: None, setting: None, kind: TurnKind::Thaw, ..turn(6, "a") };
    store.turn_routes(vec![thaw]).await.unwrap();
    let numbers = |turns: Vec<Turn>| turns.iter().map(|turn| turn.number).collect::<Vec<_>>();
    assert_eq!(numbers(store.turns_in_force().await.unwrap()), [2, 3, 4, 6]);
    let listed = async |filter| numbers(store.turns(filter).await.unwrap());
    assert_eq!(listed(TurnFilter { limit: 2, ..TurnFilter::default() }).await, [6, 5]);
    let of_a = TurnFilter { jobs: Some("a".to_owned()), before: Some(4), limit: 9 };
    assert_eq!(listed(of_a).await, [3, 1]);
}

async fn a_turn_is_kept_once_and_whole(store: &dyn Store) {
    let whole = Turn {
        kind: TurnKind::RollBack,
        which: Some(Selector {
            jobs: "a-*".to_owned(),
            project: Some("p".to_owned()),
            pipeline: None,
            branch: Some("main".to_owned()),
        }),
        setting: Some(Setting {
            stage: Stage::Canary,
            share: 20,
            master: Some("ci".to_owned()),
            job: Some("team/a".parse().unwrap()),
        }),
        before: Some(7),
        ..turn(9, "a")
    };
    store.turn_routes(vec![whole.clone()]).await.unwrap();
    store.turn_routes(vec![turn(9, "other")]).await.unwrap();
    assert_eq!(store.turns_in_force().await.unwrap(), [whole]);
}
