//! Images of a build's container: the property `docker-container` (docker-M5, M37).

use serde_json::{Value, json};

use super::registry::{Access, Registry};
use super::site::{Extra, open};

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_14_a_success_makes_an_image_and_nothing_else_does() {
    let Some(registry) = Registry::start(Access::Accounts) else { return };
    let host = registry.host();
    let job = |name: &str, tag: &str, wrapper: &str, script: &str| {
        format!(
            "\n- job:\n    name: {name}\n    node: DebianJessieDocker\n    parameters: [{{password: {{name: SECRET}}}}]\n    properties:\n      - docker-container: {{commit-on-success: true, push-on-success: true, additional-tag: '{host}/ci/{tag}:1', credentials-id: right}}\n{wrapper}    builders:\n      - shell: '{script}'\n    publishers:\n      - archive: {{artifacts: x, allow-empty: true}}\n      - docker-stop-container\n"
        )
    };
    let room = "    wrappers:\n      - docker-custom-build-env: {image-type: pull, image: 'causeway-test/with-users:local'}\n";
    let jobs = job("Of-The-Node", "node", "", "echo made >/made; echo $SECRET")
        + &job("of-room", "room", room, "echo made >/tmp/made")
        + &job("failed", "failed", "", "exit 1");
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    for name in ["Of-The-Node", "of-room"] {
        place.submit_with(name, &json!({"SECRET": "hunter2-hunter2"})).await;
    }
    place.submit("failed").await;
    for (name, tag, file) in [("Of-The-Node", "node", "/made"), ("of-room", "room", "/tmp/made")] {
        let (result, console) = place.result(name);
        assert_eq!(result, "SUCCESS", "{console}");
        let digest = registry.digest(&format!("ci/{tag}"), "1").unwrap();
        assert!(console.contains(&format!("Pushed {host}/ci/{tag}:1: {digest}\n")), "{console}");
        place.until_all_gone(&place.node(name));
        // Whoever pulls it gets what the steps made, and nothing of the node.
        let image = format!("{host}/ci/{tag}:1");
        place.pull(&image);
        let inspected = place.docker(&place.engine, &["image", "inspect", &image]);
        let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
        let config = inspected[0]["Config"].to_string();
        assert!(!config.contains("hunter2") && !config.contains("keeper"), "{config}");
        assert_eq!(inspected[0]["Config"]["Labels"]["causeway.kind"], "", "{config}");
        let run = ["run", "--rm", "--network", "none", "--entrypoint", "/bin/cat", &image, file];
        let said = place.docker(&place.engine, &run);
        assert_eq!(
            String::from_utf8_lossy(&said.stdout),
            "made\n",
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        place.docker(&place.engine, &["rmi", &image]);
    }
    let (result, console) = place.result("failed");
    assert_eq!(result, "FAILURE", "{console}");
    assert!(console.contains("no image is made, because the build is not successful"), "{console}");
    assert_eq!(registry.digest("ci/failed", "1"), None);
    let names = place.docker(&place.engine, &["images", "-q", "of-the-node"]);
    assert_eq!(String::from_utf8_lossy(&names.stdout), "");
}
