//! What containers may be, as a table: an attack a row.

use serde_json::{Value, json};

use super::*;
use crate::catalog::NamePatterns;
use crate::guard::GuardRules;
use crate::pool::label::{Mount, NetworkMode, SecurityProfile};

fn grant() -> Grant {
    Grant {
        marks: vec![("causeway.instance".into(), "i".into()), ("causeway.node".into(), "n".into())],
        workspace: "/nodes/n/workspace".into(),
        mounts: vec![Mount { source: "/data/git".into(), target: "/srv/git".into(), writable: false }],
        cpus_milli: Some(2000),
        memory_bytes: Some(1 << 30),
        pids: 100,
        profile: SecurityProfile::Standard,
        network: NetworkMode::Default,
        cgroup_parent: Some("/docker/n".into()),
        rules: GuardRules {
            images: NamePatterns::new(["reg.example/*".into(), "busybox".into()]),
            seccomp_unconfined: NamePatterns::new(["reg.example/tools/*".into()]),
        },
    }
}

fn judge(body: Value) -> Result<Creation, Refusal> {
    create(body.to_string().as_bytes(), &grant())
}

fn with_host(host: Value) -> Result<Creation, Refusal> {
    judge(json!({ "Image": "busybox", "HostConfig": host }))
}

fn host(creation: &Creation, key: &str) -> Value {
    creation.body["HostConfig"][key].clone()
}

#[test]
fn pools_d57_marks_limits_profile_and_network_are_forced() {
    let made = judge(json!({
        "Image": "busybox", "Cmd": ["true"], "Labels": {"jenkins": "1"},
        "HostConfig": {"Memory": 8_i64 << 30, "NanoCpus": 8_000_000_000_i64, "PidsLimit": -1, "NetworkMode": "default"},
    }))
    .unwrap();
    assert_eq!(made.body["Labels"], json!({"jenkins": "1", "causeway.instance": "i", "causeway.node": "n"}));
    assert_eq!(host(&made, "Memory"), json!(1 << 30));
    assert_eq!(host(&made, "MemorySwap"), json!(1 << 30));
    assert_eq!(host(&made, "NanoCpus"), json!(2_000_000_000_i64));
    assert_eq!(host(&made, "PidsLimit"), json!(100));
    assert_eq!(host(&made, "CgroupParent"), json!("/docker/n"));
    assert_eq!(host(&made, "Init"), json!(true));
    assert_eq!(host(&made, "SecurityOpt"), json!(["no-new-privileges"]));
    assert_eq!(host(&made, "CapDrop"), json!(["NET_RAW", "MKNOD"]));
    assert_eq!(host(&made, "NetworkMode"), json!("default"));
}

#[test]
fn a_smaller_limit_is_the_jobs_own_choice() {
    let made = with_host(json!({"Memory": 64 << 20, "ShmSize": 1 << 20, "NetworkMode": "none"})).unwrap();
    assert_eq!(host(&made, "Memory"), json!(64 << 20));
    assert_eq!(host(&made, "ShmSize"), json!(1 << 20));
    assert_eq!(host(&made, "NetworkMode"), json!("none"));
}

#[test]
fn pools_d57_what_a_hostile_job_asks_for_is_refused() {
    for (attack, rule) in [
        (json!({"Privileged": true}), "privileged"),
        (json!({"privileged": true}), "options"),
        (json!({"PidMode": "host"}), "host namespaces"),
        (json!({"PidMode": "container:x"}), "host namespaces"),
        (json!({"IpcMode": "host"}), "host namespaces"),
        (json!({"UTSMode": "host"}), "host namespaces"),
        (json!({"UsernsMode": "host"}), "host namespaces"),
        (json!({"CgroupnsMode": "host"}), "host namespaces"),
        (json!({"NetworkMode": "host"}), "host namespaces"),
        (json!({"NetworkMode": "container:abc"}), "network"),
        (json!({"NetworkMode": "other"}), "network"),
        (json!({"CapAdd": ["SYS_ADMIN"]}), "capabilities"),
        (json!({"Devices": [{"PathOnHost": "/dev/sda"}]}), "devices"),
        (json!({"DeviceCgroupRules": ["a *:* rwm"]}), "devices"),
        (json!({"DeviceRequests": [{"Count": -1}]}), "devices"),
        (json!({"SecurityOpt": ["seccomp=unconfined"]}), "seccomp"),
        (json!({"SecurityOpt": ["apparmor=unconfined"]}), "D30"),
        (json!({"SecurityOpt": ["label=disable"]}), "D30"),
        (json!({"MaskedPaths": []}), "D30"),
        (json!({"ReadonlyPaths": []}), "D30"),
        (json!({"Sysctls": {"net.ipv4.ip_forward": "1"}}), "D30"),
        (json!({"Runtime": "evil"}), "D30"),
        (json!({"CgroupParent": "/"}), "limits"),
        (json!({"OomScoreAdj": -1000}), "limits"),
        (json!({"OomKillDisable": true}), "limits"),
        (json!({"CpuQuota": 10_000_000}), "limits"),
        (json!({"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}]}), "limits"),
        (json!({"ShmSize": 2_i64 << 30}), "limits"),
        (json!({"StorageOpt": {"size": "1T"}}), "limits"),
        (json!({"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}), "network"),
        (json!({"PublishAllPorts": true}), "network"),
        (json!({"Links": ["other:x"]}), "network"),
        (json!({"VolumesFrom": ["other"]}), "volumes"),
        (json!({"VolumeDriver": "x"}), "volumes"),
        (json!({"RestartPolicy": {"Name": "always"}}), "lease"),
        (json!({"LogConfig": {"Type": "syslog"}}), "lease"),
        (json!({"Brandnew": {"x": 1}}), "options"),
    ] {
        let refusal = with_host(attack.clone()).expect_err(&attack.to_string());
        assert!(refusal.rule.contains(rule), "{attack}: {refusal}");
    }
}

#[test]
fn pools_d57_binds_lie_below_the_workspace_or_on_the_allow_list() {
    let made = with_host(json!({
        "Binds": ["/nodes/n/workspace/job/src:/src", "/srv/git/core:/srv/git:rw"],
        "Mounts": [{"Type": "bind", "Source": "/nodes/n/workspace", "Target": "/w", "ReadOnly": true}],
    }))
    .unwrap();
    let seen: Vec<_> = made
        .binds
        .iter()
        .map(|bind| (bind.root.to_str().unwrap(), bind.below.to_str().unwrap(), bind.read_only))
        .collect();
    let workspace = "/nodes/n/workspace";
    assert_eq!(seen, [(workspace, "job/src", false), ("/data/git", "core", true), (workspace, "", true)]);
    assert_eq!(host(&made, "Binds"), Value::Null);
    assert_eq!(host(&made, "Mounts"), json!([]));
}

#[test]
fn pools_d57_other_paths_of_the_host_are_refused() {
    for (source, rule) in [
        ("/", "binds"),
        ("/etc", "binds"),
        ("/nodes", "binds"),
        ("/nodes/n", "binds"),
        ("/nodes/n/workspace2", "binds"),
        ("/nodes/n/docker.sock", "D31"),
        ("/nodes/other/workspace", "binds"),
        ("/nodes/n/workspace/../../other", "binds"),
        ("/var/run/docker.sock", "D31"),
        ("/data/git", "binds"),
        ("/proc/1/root", "binds"),
        ("named", "volumes"),
        ("", "volumes"),
    ] {
        let mount = json!({"Type": "bind", "Source": source, "Target": "/x"});
        for attack in [json!({"Binds": [format!("{source}:/x")]}), json!({"Mounts": [mount]})] {
            let refusal = with_host(attack.clone()).expect_err(&attack.to_string());
            assert!(refusal.rule.contains(rule), "{attack}: {refusal}");
        }
    }
    for attack in [
        json!({"Binds": ["/nodes/n/workspace:/x:rshared"]}),
        json!({"Binds": ["/nodes/n/workspace:/x:ro:y"]}),
        json!({"Binds": ["/nodes/n/workspace:relative"]}),
        json!({"Mounts": [{"Type": "npipe", "Source": "/nodes/n/workspace", "Target": "/x"}]}),
        json!({"Mounts": [{"Type": "bind", "source": "/etc", "Target": "/x"}]}),
        json!({"Mounts": [{"Type": "bind", "Source": "/nodes/n/workspace", "Target": "/x",
            "BindOptions": {"Propagation": "rshared"}}]}),
        json!({"Mounts": [{"Type": "volume", "Source": "name", "Target": "/x"}]}),
        json!({"Mounts": [{"Type": "volume", "Target": "/x",
            "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"o": "bind", "device": "/"}}}}]}),
    ] {
        assert!(with_host(attack.clone()).is_err(), "{attack}");
    }
}

#[test]
fn pools_d57_marks_cannot_be_spoofed() {
    for label in ["causeway.node", "Causeway.Node", "causeway.x"] {
        let refusal = judge(json!({"Image": "busybox", "Labels": {label: "other"}})).unwrap_err();
        assert_eq!(refusal.rule, "pools-D57 marks");
    }
    assert!(judge(json!({"Image": "busybox", "labels": {"causeway.node": "other"}})).is_err());
}

#[test]
fn pools_d32_d30_images_and_seccomp_go_by_the_labels_patterns() {
    assert_eq!(judge(json!({"Image": "evil/tool"})).unwrap_err().rule, "pools-D32");
    assert_eq!(judge(json!({"Image": "sha256:abc"})).unwrap_err().rule, "pools-D32");
    let made = judge(json!({"Image": "reg.example/tools/tox:1",
        "HostConfig": {"SecurityOpt": ["seccomp=unconfined"]}}))
    .unwrap();
    assert_eq!(host(&made, "SecurityOpt"), json!(["seccomp=unconfined", "no-new-privileges"]));
}

#[test]
fn malformed_bodies_are_refused() {
    for body in ["", "null", "[]", "{", r#"{"Image": 1}"#, r#"{"Image": "../x"}"#, r#"{"HostConfig": []}"#] {
        assert!(create(body.as_bytes(), &grant()).is_err(), "{body}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(create(deep.as_bytes(), &grant()).is_err());
    let settings = json!({"EndpointsConfig": {"default": {"MacAddress": "x"}}});
    assert!(judge(json!({"Image": "busybox", "NetworkingConfig": settings})).is_err());
    let settings = json!({"EndpointsConfig": {"default": {"MacAddress": "", "Links": null}}});
    assert!(judge(json!({"Image": "busybox", "NetworkingConfig": settings})).is_ok());
}

#[test]
fn pools_d57_a_listing_is_always_of_the_leases_own() {
    for filters in [
        "",
        r#"{"label":{"a=b":true},"status":["running"]}"#,
        r#"{"label":["a=b"]}"#,
        r#"{"label":{"causeway.node=n":false}}"#,
    ] {
        let mut query = Query::default();
        query.set("filters", filters.to_owned());
        grant().only_own(&mut query).unwrap();
        let written: Value = serde_json::from_str(query.get("filters").unwrap()).unwrap();
        assert_eq!(written["label"]["causeway.node=n"], json!(true), "{filters}");
        assert_eq!(written["label"].get("a=b").is_some(), filters.contains("a=b"));
    }
    let mut query = Query::default();
    query.set("filters", "[1]".to_owned());
    assert!(grant().only_own(&mut query).is_err());
}

#[test]
fn an_object_is_owned_by_all_of_its_marks() {
    assert!(grant().owns(&json!({"causeway.instance": "i", "causeway.node": "n", "x": "y"})));
    assert!(!grant().owns(&json!({"causeway.instance": "i", "causeway.node": "other"})));
    assert!(!grant().owns(&json!({"causeway.node": "n"})));
    assert!(!grant().owns(&Value::Null));
}
