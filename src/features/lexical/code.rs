//! Source code in the text.

use super::super::schema::Sink;
use super::log;

/// What a line of code begins with, and what it ends with then.
const OPENERS: &[&str] = &[
    "def ",
    "class ",
    "for ",
    "while ",
    "if ",
    "elif ",
    "else",
    "try",
    "fn ",
    "func ",
    "function ",
    "public ",
    "private ",
    "static ",
    "const ",
    "let ",
    "var ",
    "int ",
    "void ",
    "struct ",
    "impl ",
    "return ",
    "assert ",
    "print(",
];

/// What only a line of code begins with.
const CERTAIN: &[&str] = &["import ", "#include", "#!/", "$ ", ">>> ", "select ", "SELECT ", "def f("];

/// Measures the code.
pub(super) fn measure(text: &str, sink: &mut impl Sink) {
    let fences = text.matches("```").count();
    sink.put("code.log_fences", log(fences));
    sink.put("code.log_lines", log(text.lines().filter(|line| is_code(line)).count()));
    sink.put(
        "code.log_operators",
        log(["==", "!=", "->", "=>", "&&", "||", "::", "();"].iter().map(|op| text.matches(op).count()).sum()),
    );
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    let begins = |list: &[&str]| list.iter().any(|opener| line.starts_with(opener));
    line.ends_with([';', '{', '}']) || begins(CERTAIN) || (begins(OPENERS) && line.ends_with([':', ')', ']', ',']))
}
