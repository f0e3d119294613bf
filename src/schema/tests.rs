use std::fs;

use super::*;

/// A folder with these files.
#[expect(clippy::disallowed_methods, reason = "the test lays out the folder that is read")]
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The names that `app:Settings` marks when the module is `source`, sorted.
fn names(source: &str) -> Vec<String> {
    let folder = folder(&[("app.py", source)]);
    let schema = load("app:Settings", &[folder.path()]).unwrap();
    sorted(&schema)
}

fn sorted(schema: &Schema) -> Vec<String> {
    let mut names: Vec<_> = schema.names.iter().cloned().collect();
    names.sort();
    names
}

fn settings(body: &str) -> String {
    format!("from pydantic_settings import BaseSettings\n\nclass Settings(BaseSettings):\n{body}\n")
}

fn error(source: &str) -> String {
    let folder = folder(&[("app.py", source)]);
    load("app:Settings", &[folder.path()]).unwrap_err().to_string()
}

const MARK: &str = "json_schema_extra={\"sensitive\": True}";

#[test]
fn only_fields_with_the_literal_mark_are_sensitive() {
    let source = settings(
        r#"
    """Settings. api_doc: str = Field(json_schema_extra={"sensitive": True})"""
    # api_comment: str = Field(json_schema_extra={"sensitive": True})
    debug: bool = False
    a: str = Field(json_schema_extra={"sensitive": True})
    b: str = Field(
        default="x",  # a ) comment
        description="it's (a) 'text', json_schema_extra={",
        json_schema_extra={
            "examples": [{"sensitive": False}],
            'sensitive': True,
        },
    )
    c: Annotated[SecretStr, Field(json_schema_extra=dict(sensitive=True))]
    d: str = Field(json_schema_extra={"sensitive": False})
    e: str = Field(json_schema_extra={"x": {"sensitive": True}})
    f: str = Field(json_schema_extra={"sensitive": 1})
    g: str = Field(json_schema_extra=lambda schema: schema.pop("sensitive"))
    h: str = Field(json_schema_extra=None)
    i: SecretStr
    if sys.platform != "win32":
        j: str = Field(json_schema_extra={"sensitive": True})

    def method(self):
        k: str = Field(json_schema_extra={"sensitive": True})

    class Nested(BaseModel):
        l: str = Field(json_schema_extra={"sensitive": True})
"#,
    );
    assert_eq!(names(&source), ["a", "b", "c", "j"]);
}

#[test]
fn names_are_compared_in_any_case() {
    let folder = folder(&[("app.py", &settings(&format!("    api_key: str = Field({MARK})")))]);
    let schema = load("app:Settings", &[folder.path()]).unwrap();
    assert!(schema.marks("API_KEY") && schema.marks("api_key") && schema.marks("Api_Key"));
    assert!(!schema.marks("API_KEY_2") && !schema.marks("SETTINGS"));
}

#[test]
fn aliases_replace_the_prefixed_name() {
    let source = settings(&format!(
        r#"    model_config = SettingsConfigDict(env_file=".env", env_prefix="APP_")
    a: str = Field({MARK})
    b: str = Field(alias="B_ALIAS", {MARK})
    c: str = Field(validation_alias=AliasChoices("C1", AliasPath("C2", 0), "C" "3"), {MARK})
    d: str = Field(alias=None, {MARK})
    e: str = Field(serialization_alias="no", {MARK})"#
    ));
    assert_eq!(
        names(&source),
        ["a", "app_a", "app_d", "app_e", "b", "b_alias", "c", "c1", "c2", "c3", "d", "e"]
    );
}

#[test]
fn the_prefix_is_found_wherever_pydantic_takes_it_from() {
    for config in [
        "    model_config = {'env_prefix': 'P_'}",
        "    model_config: SettingsConfigDict = SettingsConfigDict(**BASE, env_prefix='P_')",
        "    class Config:\n        case_sensitive = False\n        env_prefix = 'P_'",
        "    model_config = CONFIG",
        "    model_config = pydantic.ConfigDict(env_prefix='P_', extra='ignore')",
        "    model_config = SettingsConfigDict(env_prefix=PREFIX)",
    ] {
        let constants = "CONFIG = SettingsConfigDict(env_prefix='P_')\nPREFIX: str = 'P_'\n";
        let source = format!("{constants}{}", settings(&format!("{config}\n    a: str = Field({MARK})")));
        assert_eq!(names(&source), ["a", "p_a"], "{config}");
    }
    assert_eq!(
        names(&format!("class Settings(BaseSettings, env_prefix='P_'): a: str = Field({MARK})")),
        ["a", "p_a"]
    );
}

#[test]
fn a_computed_name_is_an_error_only_where_a_marked_field_depends_on_it() {
    for (config, field, what) in [
        ("model_config = make_config()", "x", "model_config"),
        ("model_config = Base.model_config | {}", "x", "model_config"),
        ("model_config = imported", "x", "model_config"),
        ("model_config = SettingsConfigDict(**imported)", "x", "model_config"),
        ("model_config = SettingsConfigDict(env_prefix=f'{x}_')", "x", "env_prefix"),
        ("pass", "alias=PREFIX + 'X'", "the alias of 'a'"),
    ] {
        let marked = settings(&format!("    {config}\n    a: str = Field({field}, {MARK})"));
        assert_eq!(
            error(&marked),
            format!(
                "{what} of 'Settings' in module 'app' is not a literal, so its variable names cannot be read"
            )
        );
        let unmarked = settings(&format!("    {config}\n    a: str = Field({field})"));
        assert!(names(&unmarked).is_empty(), "{config}");
    }
}

#[test]
fn marks_in_constants_and_type_aliases_count_and_doubt_counts_as_a_mark() {
    let source = format!(
        "SECRET = {{'sensitive': True}}\nPLAIN = {{'x': 1}}\nSecretText = Annotated[str, Field({MARK})]\n\
         type Typed = Annotated[str, Field({MARK})]\nARGS = dict({MARK})\nCIRCLE = CIRCLE\n{}",
        settings(
            "    a: str = Field(json_schema_extra=SECRET)
    b: str = Field(json_schema_extra=PLAIN)
    c: SecretText
    d: Typed | None = None
    e: str = Field(**ARGS)
    f: str = Field(json_schema_extra={**SECRET, 'x': 1})
    g: str = Field(json_schema_extra=imported)
    h: str = Field('', **imported)
    i: int = Field(2 ** imported)
    j: str = Field(json_schema_extra=PLAIN | SECRET)
    k: str = Field(json_schema_extra={'sensitive': imported})
    l: str = CIRCLE"
        )
    );
    assert_eq!(names(&source), ["a", "c", "d", "e", "f", "g", "h", "j", "k"]);
}

#[test]
fn inherited_fields_count_and_take_the_prefix_of_the_class() {
    let mark = |field: &str| format!("    {field}: str = Field({MARK})\n");
    let folder = folder(&[
        ("app/__init__.py", "from .config import Settings as Settings, other\n"),
        (
            "app/config.py",
            &format!(
                "from pydantic_settings import BaseSettings\nfrom .base import (Common as Base, Other,)\nfrom . import more\n\
                 from company import Company\nfrom .star import *\n\
                 class Local(BaseSettings):\n{}\
                 class Settings(Local, Base, more.More[int], Company, Starred, app.deep.Deep, metaclass=Meta):\n{}",
                mark("local"),
                mark("own")
            ),
        ),
        (
            "app/base.py",
            &format!(
                "class Common(BaseSettings):\n    model_config = {{'env_prefix': 'P_'}}\n{}",
                mark("common")
            ),
        ),
        (
            "app/more.py",
            &format!("class More(Generic[T]):\n    model_config = dict(extra='ignore')\n{}", mark("more")),
        ),
        ("app/star.py", &format!("class Starred(Starred):\n{}", mark("starred"))),
        ("app/deep.py", &format!("class Deep:\n{}", mark("deep"))),
    ]);
    let schema = load("app:Settings", &[folder.path()]).unwrap();
    let fields = ["common", "deep", "local", "more", "own", "starred"];
    let prefixed = fields.map(|field| format!("p_{field}"));
    let mut expected: Vec<_> = fields.iter().map(|&field| field.to_owned()).chain(prefixed).collect();
    expected.sort();
    assert_eq!(sorted(&schema), expected);
    assert_eq!(schema.unread_bases(), ["Company"]);
}

#[test]
fn the_module_is_searched_in_each_folder_in_turn() {
    let class = |field: &str| settings(&format!("    {field}: str = Field({MARK})"));
    let first = folder(&[("a/b.py", &class("from_first"))]);
    let second = folder(&[("a/b.py", &class("no")), ("a/c/__init__.py", &class("from_second"))]);
    let folders = [first.path(), second.path()];
    assert_eq!(sorted(&load("a.b:Settings", &folders).unwrap()), ["from_first"]);
    assert_eq!(sorted(&load("a.c:Settings", &folders).unwrap()), ["from_second"]);
}

#[test]
fn what_cannot_be_found_is_an_error() {
    let folder = folder(&[("app.py", "# class Settings(BaseSettings):\nx = 'class Settings:'\n")]);
    let error = |path: &str| load(path, &[folder.path()]).unwrap_err();
    for path in
        ["app", "app:", ":Settings", "app:A.B", "../app:Settings", "a..b:C", "/app:C", "a b:C", "1a:C"]
    {
        let text = error(path).to_string();
        assert_eq!(text, format!("Invalid schema path '{path}'. Expected format: 'module.path:ClassName'"));
    }
    let missing = error("a.b:Settings");
    let expected = format!("Cannot import module 'a.b': no file a/b.py below {}", folder.path().display());
    assert_eq!((missing.to_string(), missing.code()), (expected, "schema.module_not_found"));
    assert_eq!(error("app:Settings").to_string(), "Class 'Settings' not found in module 'app'");
}

#[test]
fn a_module_that_is_not_text_is_an_error() {
    let folder = folder(&[]);
    #[expect(clippy::disallowed_methods, reason = "the test lays out the folder that is read")]
    fs::write(folder.path().join("app.py"), b"\xff\xfeclass Settings: pass").unwrap();
    let error = load("app:Settings", &[folder.path()]).unwrap_err();
    assert_eq!(error.code(), "schema.unreadable");
}

#[test]
fn endless_chains_end_in_a_mark_or_an_unread_base() {
    let constants: String =
        (1..4_000).rev().map(|i| format!("A{i} = A{}\n", i - 1)).collect::<Vec<_>>().concat();
    assert_eq!(names(&format!("{constants}{}", settings("    a: A3999"))), ["a"]);
    assert_eq!(
        names(&format!("{constants}{}", settings("    a: str = Field(json_schema_extra=A3999)"))),
        ["a"]
    );

    let classes: String =
        (1..4_000).map(|i| format!("class C{i}(C{}): pass\n", i - 1)).collect::<Vec<_>>().concat();
    let folder = folder(&[("app.py", &classes)]);
    let schema = load("app:C3999", &[folder.path()]).unwrap();
    assert_eq!(schema.unread_bases().len(), 1);
}
