//! Finds a class, and the classes it inherits from, in modules below a few folders.
//!
//! A module is a file that is read once. `from … import` is followed where it leads to another file below the folders;
//! whatever else a class inherits from is noted as unread.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::SchemaError;
use super::field::{Field, Prefix, class_prefix, sensitive_field};
use super::python::{Line, Token, arguments, logical_lines, scope};

/// What is known of a class with all that it inherits.
#[derive(Default)]
pub(super) struct Class {
    pub(super) sensitive: Vec<Field>,
    pub(super) prefix: Option<Prefix>,
}

/// One source file.
pub(super) struct Module {
    pub(super) name: String,
    is_package: bool,
    lines: Vec<Line>,
    constants: HashMap<String, Vec<Token>>,
}

pub(super) struct Reader<'a> {
    folders: &'a [&'a Path],
    modules: HashMap<String, Option<Rc<Module>>>,
    visited: HashSet<(String, String)>,
    pub(super) unread_bases: Vec<String>,
}

/// How many classes are read for one schema; a base beyond them is unread.
const CLASSES: usize = 256;

/// Bases that declare no fields.
const ROOTS: [&str; 7] = ["BaseSettings", "BaseModel", "object", "ABC", "Generic", "Protocol", "Enum"];

impl<'a> Reader<'a> {
    pub(super) fn new(folders: &'a [&'a Path]) -> Self {
        Self { folders, modules: HashMap::new(), visited: HashSet::new(), unread_bases: Vec::new() }
    }

    /// The module of that dotted name, or `None` when no folder has it.
    pub(super) fn module(&mut self, name: &str) -> Result<Option<Rc<Module>>, SchemaError> {
        if let Some(known) = self.modules.get(name) {
            return Ok(known.clone());
        }
        let module = self.folders.iter().find_map(|folder| find(folder, name)).map(|(path, is_package)| {
            let unreadable =
                |source| SchemaError::Unreadable { module: name.to_owned(), path: path.clone(), source };
            let text = std::fs::read_to_string(&path).map_err(unreadable)?;
            Ok(Rc::new(Module::new(name, is_package, &text)))
        });
        let module = module.transpose()?;
        self.modules.insert(name.to_owned(), module.clone());
        Ok(module)
    }

    /// The class `name` as `module` sees it: defined there, or imported from another module that can be read.
    pub(super) fn class(&mut self, module: &Module, name: &str) -> Result<Option<Class>, SchemaError> {
        if !self.visited.insert((module.name.clone(), name.to_owned())) {
            return Ok(Some(Class::default()));
        }
        if self.visited.len() > CLASSES {
            return Ok(None);
        }
        let definitions = module.classes(name);
        if definitions.is_empty() {
            return self.imported_class(module, name);
        }
        let mut class = Class::default();
        for definition in definitions {
            class.prefix = class.prefix.or_else(|| class_prefix(module, &definition));
            for (line, body) in scope(&definition.body) {
                if body.is_empty() {
                    class.sensitive.extend(sensitive_field(module, name, &line.tokens)?);
                }
            }
            for base in definition.bases() {
                let Some(inherited) = self.base(module, base)? else {
                    self.unread_bases.push(dotted(base));
                    continue;
                };
                class.sensitive.extend(inherited.sensitive);
                class.prefix = class.prefix.or(inherited.prefix);
            }
        }
        Ok(Some(class))
    }

    fn imported_class(&mut self, module: &Module, name: &str) -> Result<Option<Class>, SchemaError> {
        for (from, original) in module.origins(name) {
            if let Some(origin) = self.module(&from)?
                && let Some(class) = self.class(&origin, &original)?
            {
                return Ok(Some(class));
            }
        }
        Ok(None)
    }

    /// The class that the tokens of a base (`Common`, `base.Common`, `Base[T]`) name.
    fn base(&mut self, module: &Module, base: &[Token]) -> Result<Option<Class>, SchemaError> {
        let path = dotted(base);
        let Some((holder, class)) = path.rsplit_once('.') else { return self.class(module, &path) };
        let (first, rest) = holder.split_once('.').unwrap_or((holder, ""));
        let mut candidates: Vec<String> = module
            .origins(first)
            .into_iter()
            .map(|(from, original)| join(&[&from, &original, rest]))
            .collect();
        candidates.push(holder.to_owned());
        for candidate in candidates {
            if let Some(holder) = self.module(&candidate)? {
                return self.class(&holder, class);
            }
        }
        Ok(None)
    }
}

/// The file of a module below `folder`, and whether it is a package.
fn find(folder: &Path, module: &str) -> Option<(PathBuf, bool)> {
    let stem = module.split('.').fold(folder.to_path_buf(), |path, part| path.join(part));
    // Python takes the package where both exist.
    [(stem.join("__init__.py"), true), (stem.with_extension("py"), false)]
        .into_iter()
        .find(|(path, _)| path.is_file())
}

fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".")
}

/// The leading `a.b.C` of `tokens`.
fn dotted(tokens: &[Token]) -> String {
    let mut path = String::new();
    for token in tokens {
        match token {
            Token::Name(name) => path.push_str(name),
            Token::Op('.') => path.push('.'),
            _ => break,
        }
    }
    path
}

/// A `class` statement: what stands between its name and its colon, and the lines of its body.
pub(super) struct Definition {
    pub(super) head: Vec<Token>,
    pub(super) body: Vec<Line>,
}

impl Definition {
    fn bases(&self) -> impl Iterator<Item = &[Token]> {
        let open = self.head.iter().position(|token| *token == Token::Op('('));
        let bases = open.map(|open| arguments(&self.head[open + 1..])).unwrap_or_default();
        bases.into_iter().filter(|base| {
            let path = dotted(base);
            !base.contains(&Token::Op('='))
                && !path.is_empty()
                && !ROOTS.contains(&path.rsplit('.').next().unwrap_or_default())
        })
    }
}

impl Module {
    fn new(name: &str, is_package: bool, text: &str) -> Self {
        let lines = logical_lines(text.strip_prefix('\u{feff}').unwrap_or(text));
        let constants = scope(&lines)
            .into_iter()
            .filter_map(|(line, _)| {
                let target =
                    line.tokens.strip_prefix(&[Token::Name("type".to_owned())]).unwrap_or(&line.tokens);
                let Token::Name(name) = target.first()? else { return None };
                Some((name.clone(), assigned(target)?.to_vec()))
            })
            .collect();
        Self { name: name.to_owned(), is_package, lines, constants }
    }

    /// Every definition of the class at the top of the module, `if` and `try` included.
    fn classes(&self, name: &str) -> Vec<Definition> {
        scope(&self.lines)
            .into_iter()
            .filter(|(line, _)| {
                line.tokens[0].is_name("class") && line.tokens.get(1).is_some_and(|token| token.is_name(name))
            })
            .map(|(line, body)| {
                let after_name = &line.tokens[2..];
                let mut depth = 0_usize;
                let colon = after_name.iter().position(|token| {
                    match token {
                        Token::Op('(' | '[') => depth += 1,
                        Token::Op(')' | ']') => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    depth == 0 && *token == Token::Op(':')
                });
                let (head, rest) = after_name.split_at(colon.unwrap_or(after_name.len()));
                // `class C(B): x: int` has its body in the same line.
                let inline = rest.get(1..).filter(|tokens| !tokens.is_empty());
                let inline = inline.map(|tokens| Line { indent: line.indent, tokens: tokens.to_vec() });
                Definition {
                    head: head.to_vec(),
                    body: inline.into_iter().chain(body.iter().cloned()).collect(),
                }
            })
            .collect()
    }

    /// The tokens that are assigned to `name` at the top of the module; the last assignment counts.
    pub(super) fn constant(&self, name: &str) -> Option<(&str, &[Token])> {
        self.constants.get_key_value(name).map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The modules from which `name` may come, each with the name it has there.
    fn origins(&self, name: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (line, _) in scope(&self.lines) {
            let Some(import) = line.tokens.iter().position(|token| token.is_name("import")) else { continue };
            if !line.tokens[0].is_name("from") {
                continue;
            }
            let from = self.absolute(&line.tokens[1..import]);
            let listed = line.tokens.get(import + 1..).unwrap_or_default();
            let listed = listed.strip_prefix(&[Token::Op('(')]).unwrap_or(listed);
            for item in arguments(listed) {
                match item {
                    [Token::Op('*')] => found.push((from.clone(), name.to_owned())),
                    [Token::Name(original), .., Token::Name(alias)] if alias == name => {
                        found.push((from.clone(), original.clone()));
                    }
                    [Token::Name(original)] if original == name => {
                        found.push((from.clone(), original.clone()));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// The dotted name that the tokens after `from` mean inside this module.
    fn absolute(&self, from: &[Token]) -> String {
        let level = from.iter().take_while(|token| **token == Token::Op('.')).count();
        let path = dotted(&from[level..]);
        if level == 0 {
            return path;
        }
        let mut package: Vec<&str> = self.name.split('.').collect();
        let up = level - usize::from(self.is_package);
        package.truncate(package.len().saturating_sub(up));
        package.push(&path);
        join(&package)
    }
}

/// What a statement `target = …` or `target: … = …` assigns.
pub(super) fn assigned(tokens: &[Token]) -> Option<&[Token]> {
    let mut depth = 0_usize;
    let equals = tokens.iter().position(|token| {
        match token {
            Token::Op('(' | '[' | '{') => depth += 1,
            Token::Op(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *token == Token::Op('=')
    })?;
    tokens.get(equals + 1..).filter(|value| !value.is_empty())
}
