//! The formulas of the page in MathML, which browsers set without any help from outside.

/// A formula by the name that the figures call it by; nothing where there is none.
pub fn formula(name: &str) -> String {
    let body = part_a(name).or_else(|| part_b(name));
    body.map(|body| format!("<math display=\"block\"><mrow>{body}</mrow></math>")).unwrap_or_default()
}

/// Of the part that plays with a model.
fn part_a(name: &str) -> Option<String> {
    Some(match name {
        "forward" => row(&[&x("t"), EQ, &sqrt(&abar("t")), &x("0"), PLUS, &sqrt(&one_minus(&abar("t"))), EPS]),
        "one-step" => row(&[&hat("0"), EQ, &fraction(&row(&[&x("t"), MINUS, &sqrt(&one_minus(&abar("t"))), EPS]), &sqrt(&abar("t")))]),
        "iterative" => row(&[
            &x("t′"),
            EQ,
            &fraction(&row(&[&sqrt(&abar("t′")), &sub("β", "t")]), &one_minus(&abar("t"))),
            &x("0"),
            PLUS,
            &fraction(&row(&[&sqrt(&sub("α", "t")), &bracket(&one_minus(&abar("t′")))]), &one_minus(&abar("t"))),
            &x("t"),
            PLUS,
            &sub("v", "σ"),
        ]),
        "guidance" => row(&[EPS, EQ, &sub("ε", "u"), PLUS, "<mi>γ</mi>", &bracket(&row(&[&sub("ε", "c"), MINUS, &sub("ε", "u")]))]),
        "inpaint" => row(&[
            &x("t"),
            "<mo>←</mo><mi mathvariant=\"bold\">m</mi>",
            &x("t"),
            PLUS,
            &bracket(&one_minus("<mi mathvariant=\"bold\">m</mi>")),
            "<mi>forward</mi>",
            &bracket(&row(&["<msub><mi>x</mi><mtext>orig</mtext></msub><mo>,</mo><mi>t</mi>"])),
        ]),
        "anagram" => anagram(),
        "hybrid" => row(&[EPS, EQ, "<mi>low</mi>", &bracket(&sub("ε", "1")), PLUS, "<mi>high</mi>", &bracket(&sub("ε", "2"))]),
        _ => return None,
    })
}

/// Of the part that trains its own.
fn part_b(name: &str) -> Option<String> {
    Some(match name {
        "noising" => row(&["<mi>z</mi>", EQ, "<mi>x</mi>", PLUS, "<mi>σ</mi>", EPS]),
        "denoiser" => loss(&[&function("D", "θ", "<mi>z</mi>"), MINUS, "<mi>x</mi>"]),
        "noise-loss" => loss(&[EPS, MINUS, &function("ε", "θ", &row(&[&x("t"), COMMA, "<mi>t</mi>"]))]),
        "noise-loss-class" => loss(&[EPS, MINUS, &function("ε", "θ", &row(&[&x("t"), COMMA, "<mi>t</mi>", COMMA, "<mi>c</mi>"]))]),
        "ddpm-step" => row(&[
            &x("t−1"),
            EQ,
            &fraction(&row(&[&sqrt(&abar("t−1")), &sub("β", "t")]), &one_minus(&abar("t"))),
            &hat("0"),
            PLUS,
            &fraction(&row(&[&sqrt(&sub("α", "t")), &bracket(&one_minus(&abar("t−1")))]), &one_minus(&abar("t"))),
            &x("t"),
            PLUS,
            &sqrt(&sub("β", "t")),
            "<mi>z</mi>",
        ]),
        "flow-path" => row(&[&x("t"), EQ, &bracket(&one_minus("<mi>t</mi>")), &x("0"), PLUS, "<mi>t</mi>", &x("1")]),
        "flow-loss" => {
            loss(&[&bracket(&row(&[&x("1"), MINUS, &x("0")])), MINUS, &function("u", "θ", &row(&[&x("t"), COMMA, "<mi>t</mi>"]))])
        }
        "flow-loss-class" => loss(&[
            &bracket(&row(&[&x("1"), MINUS, &x("0")])),
            MINUS,
            &function("u", "θ", &row(&[&x("t"), COMMA, "<mi>t</mi>", COMMA, "<mi>c</mi>"])),
        ]),
        "flow-step" => row(&[
            &x("t+1/T"),
            EQ,
            &x("t"),
            PLUS,
            &fraction("<mn>1</mn>", "<mi>T</mi>"),
            &function("u", "θ", &row(&[&x("t"), COMMA, "<mi>t</mi>"])),
        ]),
        "flow-guidance" => {
            row(&["<mi>u</mi>", EQ, &sub("u", "u"), PLUS, "<mi>γ</mi>", &bracket(&row(&[&sub("u", "c"), MINUS, &sub("u", "u")]))])
        }
        _ => return None,
    })
}

fn anagram() -> String {
    row(&[
        EPS,
        EQ,
        &fraction("<mn>1</mn>", "<mi>n</mi>"),
        "<munder><mo>∑</mo><mi>i</mi></munder>",
        "<msubsup><mi>v</mi><mi>i</mi><mrow><mo>−</mo><mn>1</mn></mrow></msubsup>",
        &bracket(&row(&[
            "<msub><mi>ε</mi><mi>θ</mi></msub>",
            &bracket(&row(&["<msub><mi>v</mi><mi>i</mi></msub>", &bracket(&x("t")), "<mo>,</mo>", "<msub><mi>p</mi><mi>i</mi></msub>"])),
        ])),
    ])
}

const EQ: &str = "<mo>=</mo>";
const PLUS: &str = "<mo>+</mo>";
const MINUS: &str = "<mo>−</mo>";
const COMMA: &str = "<mo>,</mo>";
const EPS: &str = "<mi>ε</mi>";

fn row(parts: &[&str]) -> String {
    format!("<mrow>{}</mrow>", parts.concat())
}

/// A mean squared error.
fn loss(error: &[&str]) -> String {
    row(&["<mi>L</mi>", EQ, "<mi mathvariant=\"normal\">𝔼</mi><msup><mrow><mo>‖</mo>", &row(error), "<mo>‖</mo></mrow><mn>2</mn></msup>"])
}

fn function(letter: &str, index: &str, of: &str) -> String {
    row(&[&sub(letter, index), &bracket(of)])
}

fn sub(letter: &str, index: &str) -> String {
    let index = if index.parse::<u32>().is_ok() { format!("<mn>{index}</mn>") } else { format!("<mi>{index}</mi>") };
    format!("<msub><mi>{letter}</mi>{index}</msub>")
}

fn x(index: &str) -> String {
    sub("x", index)
}

fn hat(index: &str) -> String {
    format!("<msub><mover accent=\"true\"><mi>x</mi><mo>^</mo></mover><mn>{index}</mn></msub>")
}

fn abar(index: &str) -> String {
    format!("<msub><mover accent=\"true\"><mi>α</mi><mo>¯</mo></mover><mi>{index}</mi></msub>")
}

fn sqrt(inside: &str) -> String {
    format!("<msqrt>{inside}</msqrt>")
}

fn one_minus(what: &str) -> String {
    row(&["<mn>1</mn>", MINUS, what])
}

fn fraction(above: &str, below: &str) -> String {
    format!("<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>")
}

fn bracket(inside: &str) -> String {
    format!("<mo>(</mo>{inside}<mo>)</mo>")
}
