#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

/// What is heard, in words: keys by their letters, answers and pastes in brackets.
fn words(heard: &[Heard]) -> String {
    let word = |heard: &Heard| match heard {
        Heard::Event(Event::Key(key)) if key.modifiers.contains(KeyModifiers::ALT) => format!("<Alt-{}>", key.code),
        Heard::Event(Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers: KeyModifiers::CONTROL, .. })) => format!("<Ctrl-{c}>"),
        Heard::Event(Event::Key(key)) => key.code.as_char().map_or_else(|| format!("<{}>", key.code), |c| c.to_string()),
        Heard::Event(Event::Mouse(mouse)) => format!("<Mouse {},{}>", mouse.column, mouse.row),
        Heard::Event(Event::Paste(text)) => format!("<{} pasted>", text.len()),
        Heard::Event(event) => format!("<{event:?}>"),
        Heard::Answer(answer) => format!("[{answer:?}]"),
    };
    heard.iter().map(word).collect()
}

fn hear(bytes: &[u8]) -> String {
    let mut splitter = Splitter::default();
    let mut heard = splitter.push(bytes);
    heard.extend(splitter.give_up());
    words(&heard)
}

#[test]
fn keys_are_keys_and_answers_are_answers() {
    let typed = [
        ("a red\r\t\x7f\x03", "a red<Enter><Tab><Backspace><Ctrl-c>"),
        ("\x1b", "<Esc>"),
        ("\x1b\x1b", "<Esc><Esc>"),
        ("\x1b\x1b[A", "<Esc><Up>"),
        ("\x1b[A\x1bOB\x1b[1;5C\x1b[3~\x1b[Z\x1b[[A", "<Up><Down><Right><Del><Back Tab><F1>"),
        ("\x1bx\x1bÄ\x1b[", "<Alt-x><Alt-Ä><Alt-[>"),
        ("\x1bO", "<Alt-O>"),
        ("\x1bPx\x1b_", "<Alt-P>x<Alt-_>"),
        ("ä赤👩", "ä赤👩"),
        ("\x1b[<0;5;7M\x1b[M !!", "<Mouse 4,6><Mouse 0,0>"),
        ("\x1b[I\x1b[O", "<FocusGained><FocusLost>"),
        ("\x1b[200~two\nlines\x1b[A\x1b[0n\x1b[201~x", "<16 pasted>x"),
        ("a\x1b[0nb\x1b[?62;4cc", "a[Status]b[Attributes([62, 4])]c"),
        ("\x1b_Gi=31;OK\x1b\\q\x1bP>|kitty(0.32)\x1b\\", "[Kitty(31, true)]q[Name(\"kitty(0.32)\")]"),
    ];
    for (bytes, meant) in typed {
        assert_eq!(hear(bytes.as_bytes()), meant, "{bytes:?}");
    }
}

#[test]
fn what_is_broken_takes_no_key_with_it() {
    assert_eq!(hear(b"\x1b_Gi=31;O\x03a"), "<Ctrl-c>a", "Ctrl-C is nobody's answer");
    assert_eq!(hear(b"\x1bP>|na\x1b[Aa"), "<Up>a", "an answer that another sequence cuts short");
    assert_eq!(hear(b"\x1b[1;\xffa\xc3b\x80c"), "abc");
    assert_eq!(hear(b"\x1b[12"), "", "half a sequence that stays one");
    assert_eq!(hear(b"\x1b[200~never ends"), "<10 pasted>");
}

#[test]
fn an_endless_answer_is_bounded_and_ends() {
    let mut splitter = Splitter::default();
    assert_eq!(words(&splitter.push(b"\x1bP>|")), "");
    for _ in 0..1000 {
        assert_eq!(words(&splitter.push(&[b'x'; 1000])), "");
        assert!(splitter.unit.capacity() <= 4 * ANSWER);
    }
    assert_eq!(words(&splitter.push(b"\x1b\\a")), "[Other]a");
}

#[test]
fn a_long_paste_comes_in_parts_and_whole() {
    let text = "ä赤 👩\n".repeat(300_000);
    let mut splitter = Splitter::default();
    let mut heard = splitter.push(PASTE_BEGINS);
    for part in text.as_bytes().chunks(4093) {
        heard.extend(splitter.push(part));
        assert!(splitter.paste.as_ref().unwrap().len() <= PASTE);
    }
    heard.extend(splitter.push(PASTE_ENDS));
    let paste = |heard: Heard| match heard {
        Heard::Event(Event::Paste(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(heard.len() > 2);
    assert!(heard.into_iter().map(paste).collect::<String>() == text);
    assert_eq!(splitter.patience(), None);
}

/// Something that is typed or answered, and how it is told in [`words`].
fn piece() -> impl Strategy<Value = (Vec<u8>, String)> {
    let fixed = prop::sample::select(vec![
        ("a", "a"),
        ("n", "n"),
        ("\r", "<Enter>"),
        ("赤", "赤"),
        ("\x1b[A", "<Up>"),
        ("\x1bOP", "<F1>"),
        ("\x1b[1;2R", "<F3>"),
        ("\x1bp", "<Alt-p>"),
        ("\x1b[<35;10;20M", "<Mouse 9,19>"),
        ("\x1b[0n", "[Status]"),
        ("\x1b[?64;4;22c", "[Attributes([64, 4, 22])]"),
        ("\x1b[6;20;10t", "[Cell(10, 20)]"),
        ("\x1b_Gi=31;OK\x1b\\", "[Kitty(31, true)]"),
        ("\x1bP>|WezTerm 2024\x1b\\", "[Name(\"WezTerm 2024\")]"),
        ("\x1b[200~\x1b[0n\x1b[2\x1b[201~", "<7 pasted>"),
    ]);
    fixed.prop_map(|(bytes, word)| (bytes.as_bytes().to_vec(), word.to_owned()))
}

proptest! {
    /// Keys and answers in any order, read in pieces of any size.
    #[test]
    fn any_order_cut_anywhere_is_heard_as_it_was_meant(
        pieces in prop::collection::vec(piece(), 0..30),
        cuts in prop::collection::vec(1usize..9, 1..40),
    ) {
        let bytes: Vec<u8> = pieces.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let meant: String = pieces.iter().map(|(_, word)| word.as_str()).collect();
        let mut splitter = Splitter::default();
        let (mut heard, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (read, later) = rest.split_at((*cut).min(rest.len()));
            heard.extend(splitter.push(read));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(words(&heard), meant);
        prop_assert_eq!(splitter.patience(), None);
    }

    /// Whatever comes, nothing panics, little is kept, and what is typed after it is heard.
    #[test]
    fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..2000), cut in 0usize..2000) {
        let mut splitter = Splitter::default();
        let at = cut.min(noise.len());
        splitter.push(&noise[..at]);
        splitter.push(&noise[at..]);
        prop_assert!(splitter.unit.len() <= ANSWER);
        splitter.give_up();
        prop_assert_eq!(words(&splitter.push(b"z")), "z");
    }
}
