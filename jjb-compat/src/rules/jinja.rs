//! Section 10: Jinja2.

use super::*;

const C: Dialect = Dialect::Classic;

/// What a template text gives in a job template with some variables.
#[track_caller]
fn rendered(dialect: Dialect, tag: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("      {line}")).collect();
    let file = format!(
        "- job-template:\n    name: '{{j}}'\n    node: {tag} |-\n{}\n- project: {{name: p, j: j, n: 5, ok: true, l: [a, 1], d: {{k: v}}, nothing: null, f: 1.0, jobs: ['{{j}}']}}\n",
        lines.join("\n")
    );
    key(&good(dialect, &[("a", &file)]), "j", "node")
}

#[test]
fn jjb_j100_templates_see_the_variables_in_force() {
    for dialect in BOTH {
        assert_eq!(
            rendered(dialect, "!j2:", "{{ n + 1 }}{% if m is defined %}x{% endif %}{{ m | default('d') }}"),
            "\"6d\""
        );
        let file = "- job-template: {name: t, node: !j2: '{{ m }}'}\n- project: {name: p, jobs: [t]}\n";
        assert_eq!(fault(dialect, &[("a", file)]), "template-error");
        let empty = Options { allow_empty_variables: true, ..options(dialect) };
        assert_eq!(codes(&read_with(&[("a", file)], &empty)), ["template-error"]);
    }
}

#[test]
fn jjb_j101_rendered_text_is_final_and_rendered_yaml_is_expanded() {
    for dialect in BOTH {
        assert_eq!(rendered(dialect, "!j2:", "{x} {{ '{{' }}"), "\"{x} {{\"");
        assert_eq!(
            rendered(dialect, "!j2-yaml:", "- '{n}'\n- {{ n }}\n- '{{ '{{' }}x}}'"),
            "[5, 5, \"{x}\"]"
        );
    }
}

#[test]
fn jjb_j102_line_breaks_and_includes() {
    for dialect in BOTH {
        assert_eq!(rendered(dialect, "!j2:", "a\n{% if true %}\nb\n{%- endif %}\nc"), "\"a\\n\\nb\\nc\"");
        let file = "- job-template: {name: t, node: !j2: \"{% include 'x.j2' %}{% from 'm.j2' import f %}{{ f(1) }}\"}\n- project: {name: p, v: 7, jobs: [t]}\n";
        let tree: Tree =
            &[("f", file), ("x.j2", "<{{ v }}>\n"), ("m.j2", "{% macro f(a) %}f{{ a }}{% endmacro %}")];
        assert_eq!(key(&good(dialect, tree), "t", "node"), "\"<7>f1\"");
    }
}

#[test]
fn jjb_j103_the_language_and_pythons_printing() {
    for (text, json) in [
        ("{{ ok }} {{ nothing }} {{ f }} {{ l }}", "\"True None 1.0 ['a', 1]\""),
        ("{% for x in l %}{{ loop.index }}{{ x }}{% endfor %}", "\"1a21\""),
        ("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}", "\"k=v\""),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "\"012\""),
        ("{{ l | join('-') }} {{ l | length }} {{ 'a b'.split() }}", "\"a-1 2 ['a', 'b']\""),
        ("{{ 'x'.upper() ~ n }}{{ 'abc'[1:] }}{{ 'a' in l }}", "\"X5bcTrue\""),
        ("{% set x = 1 %}{% if ok %}{% set x = 2 %}{% endif %}{{ x }}", "\"2\""),
        ("{{ d.get('z', 'no') }} {{ 'abc'.replace('b', '-') }}", "\"no a-c\""),
    ] {
        for dialect in BOTH {
            assert_eq!(rendered(dialect, "!j2:", text), json, "{text}");
        }
    }
    assert_eq!(rendered(C, "!j2:", "{{ d }}"), "\"OrderedDict([('k', 'v')])\"");
    assert_eq!(rendered(Dialect::Unified, "!j2:", "{{ d }}"), "\"{'k': 'v'}\"");
}

#[test]
fn jjb_j104_tags_in_plain_jobs_of_the_classic_dialect() {
    let whole = "- job: {name: j, builders: [shell: !j2: 'a{{ 1 }}']}\n";
    assert_eq!(components(&good(C, &[("a", whole)]), "j"), ["shell \"a1\""]);
    let list = "- builder: {name: m, builders: !j2-yaml: '[{shell: x}]'}\n- job: {name: j, builders: [m]}\n";
    assert_eq!(fault(C, &[("a", list)]), "not-a-list");
    assert_eq!(components(&good(Dialect::Unified, &[("a", list)]), "j"), ["shell \"x\""]);
}

#[test]
fn jjb_j105_parameters_with_templates_are_rendered() {
    let file = "- job-template: {name: t, node: 'x{v}'}\n- project: {name: p, n: 2, v: !j2: '{{ n * 2 }}', jobs: [t]}\n";
    for dialect in BOTH {
        assert_eq!(key(&good(dialect, &[("a", file)]), "t", "node"), "\"x4\"");
    }
    let call = "- builder: {name: m, builders: [shell: !j2-yaml: \"'{{ a }} {b}'\"]}\n- job: {name: j, builders: [m: {a: 1, b: 2}]}\n";
    for dialect in BOTH {
        assert_eq!(components(&good(dialect, &[("a", call)]), "j"), ["shell \"1 2\""]);
    }
}

#[test]
fn jjb_j103_percent_formats_text() {
    for dialect in BOTH {
        for (text, wanted) in [
            ("{{ '%s-%05d' % (j, n) }}", "j-00005"),
            ("{{ '%s' % l }}", "['a', 1]"),
            ("{{ '%(k)s!' % d }}", "v!"),
            ("{{ '%.2f|%5s|%-5s|%r|%%|%x' % (f, j, j, j, 255) }}", "1.00|    j|j    |'j'|%|ff"),
            ("{{ '%s %s' % (ok, nothing) }}", "True None"),
            ("{{ '%+d %d' % (n, 1.9) }}", "+5 1"),
            ("{{ 7 % 4 }}", "3"),
        ] {
            assert_eq!(rendered(dialect, "!j2:", text), format!("\"{wanted}\""), "{text}");
        }
        for text in [
            "{{ '%s' % (j, n) }}",
            "{{ '%s %s' % j }}",
            "{{ '%d' % j }}",
            "{{ '%s' % lost }}",
            "{{ '%q' % n }}",
        ] {
            let file = format!(
                "- job-template: {{name: t, node: !j2: \"{text}\"}}\n- project: {{name: p, n: 5, j: j, jobs: [t]}}\n"
            );
            assert_eq!(fault(dialect, &[("a", &file)]), "template-error", "{text}");
        }
    }
}

#[test]
fn jjb_j103_mappings_print_the_same_through_filters_and_inside_lists() {
    for (dialect, map) in [(Dialect::Classic, "OrderedDict([('k', 'v')])"), (Dialect::Unified, "{'k': 'v'}")]
    {
        assert_eq!(rendered(dialect, "!j2:", "{{ d | trim }}"), format!("\"{map}\""));
        assert_eq!(rendered(dialect, "!j2:", "{{ [d, l] }}"), format!("\"[{map}, ['a', 1]]\""));
    }
    assert_eq!(rendered(C, "!j2:", "{{ {'a': [d]} }}"), "\"{'a': [OrderedDict([('k', 'v')])]}\"");
    assert_eq!(rendered(C, "!j2:", "{{ [lost] }}"), "\"[Undefined]\"");
}

#[test]
fn jjb_j103_tojson_sorts_keys_and_indent_takes_text_only() {
    for dialect in BOTH {
        let text = "{{ {'b': [1, none, true], 'a': \"<é'>\"} | tojson }}";
        let wanted = r#""{\"a\": \"\\u003c\\u00e9\\u0027\\u003e\", \"b\": [1, null, true]}""#;
        assert_eq!(rendered(dialect, "!j2:", text), wanted);
        assert_eq!(rendered(dialect, "!j2:", "{{ 'a\n\nb' | indent(2, first=true) }}"), "\"  a\\n\\n  b\"");
        let file = "- job-template: {name: t, node: !j2: '{{ n | indent }}'}\n- project: {name: p, n: 5, jobs: [t]}\n";
        assert_eq!(fault(dialect, &[("a", file)]), "template-error");
    }
}

#[test]
fn jjb_j103_large_numbers_pairs_and_sets_print_as_pythons() {
    let tree = |text: &str| {
        format!(
            "- job-template: {{name: t, node: !j2: \"{text}\"}}\n- project:\n    name: p\n    big: 12345678901234567890\n    \
             pairs: !!pairs [a: 1]\n    set: !!set {{a, b}}\n    jobs: [t]\n"
        )
    };
    for (text, wanted) in [
        ("{{ big }} {{ [big, -big] }}", "12345678901234567890 [12345678901234567890, -12345678901234567890]"),
        ("{{ set }} {{ 'a' in set }}", "{'a', 'b'} True"),
    ] {
        assert_eq!(key(&good(C, &[("a", &tree(text))]), "t", "node"), format!("\"{wanted}\""));
    }
    assert_eq!(key(&good(C, &[("a", &tree("{{ pairs }}"))]), "t", "node"), "\"[('a', 1)]\"");
}
