//! tmp
/// tmp
pub struct Reason;
impl Reason { /// tmp
 pub fn warning(&self, name: &str) -> String { format!("'{name}' has a name suggesting sensitive data") } }
/// tmp
pub fn why(name: &str, _: &str, _: &dyn Fn(&str) -> bool) -> Option<Reason> { (name.ends_with("_KEY") || name.ends_with("_PASSWORD")).then_some(Reason) }
