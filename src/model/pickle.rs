//! PyTorch's pickles, read without running anything: a machine that knows what `torch.save` writes for a dictionary of
//! tensors, and takes every other object for nothing.

use anyhow::{Context, Result, bail, ensure};
use candle_core::DType;
use std::cell::RefCell;
use std::rc::Rc;

/// The most objects at a time, so that a hostile file cannot fill the memory.
const MOST: usize = 1 << 20;
/// The most tuples within one another; a tensor has three.
const DEEPEST: usize = 8;

/// Where a tensor's numbers lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The name of the file that holds them.
    pub storage: Rc<str>,
    /// Their type.
    pub dtype: DType,
    /// The place of the first, in numbers.
    pub offset: usize,
    /// The tensor's shape.
    pub shape: Vec<usize>,
    /// How far apart neighbours are, in numbers.
    pub stride: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Value {
    Mark,
    Int(i64),
    Text(Rc<str>),
    /// With how deep it is, so that none is too deep to be let go.
    Tuple(Rc<[Value]>, usize),
    Dict(Rc<RefCell<Vec<(Value, Value)>>>),
    /// `module name`
    Global(Rc<str>),
    Storage(Rc<str>, DType),
    Tensor(Rc<Recorded>),
    /// What no dictionary of tensors needs.
    Other,
}

/// The tensors of a pickled dictionary under their names; what is no tensor is left out.
///
/// # Errors
/// When the bytes are cut short, or are no pickle of a dictionary.
pub fn tensors(bytes: &[u8]) -> Result<Vec<(String, Recorded)>> {
    let mut machine = Machine { rest: bytes, stack: Vec::new(), memo: Vec::new() };
    while machine.step()? {}
    let Some(Value::Dict(items)) = machine.stack.pop() else { bail!("it holds no dictionary") };
    let items = items.borrow();
    let tensor = |(key, value): &(Value, Value)| match (key, value) {
        (Value::Text(key), Value::Tensor(tensor)) => Some((key.to_string(), (**tensor).clone())),
        _ => None,
    };
    Ok(items.iter().filter_map(tensor).collect())
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: Vec<Option<Value>>,
}

impl Machine<'_> {
    /// One operation (Python's `pickletools` names them); false at the last.
    fn step(&mut self) -> Result<bool> {
        match self.byte()? {
            0x80 => drop(self.take(1)?),                                   // PROTO
            0x95 => drop(self.take(8)?),                                   // FRAME
            b'(' => self.push(Value::Mark)?,                               // MARK
            b'K' => self.number(1)?,                                       // BININT1
            b'M' => self.number(2)?,                                       // BININT2
            b'J' => self.signed()?,                                        // BININT
            0x8a => self.long()?,                                          // LONG1
            b'G' => self.skip(8)?,                                         // BINFLOAT
            b'N' | 0x88 | 0x89 => self.push(Value::Other)?,                // NONE, NEWTRUE, NEWFALSE
            b'X' => self.text(4)?,                                         // BINUNICODE
            0x8c => self.text(1)?,                                         // SHORT_BINUNICODE
            b'c' => self.global()?,                                        // GLOBAL
            0x93 => self.stack_global()?,                                  // STACK_GLOBAL
            b')' => self.push(Value::Tuple(Rc::from([]), 1))?,             // EMPTY_TUPLE
            b't' => self.tuple_to_mark()?,                                 // TUPLE
            count @ 0x85..=0x87 => self.tuple(usize::from(count - 0x84))?, // TUPLE1, TUPLE2, TUPLE3
            b'}' => self.push(Value::Dict(Rc::default()))?,                // EMPTY_DICT
            b']' => self.push(Value::Other)?,                              // EMPTY_LIST
            b's' => self.set_item()?,                                      // SETITEM
            b'u' => self.set_items()?,                                     // SETITEMS
            b'a' => drop(self.pop()?),                                     // APPEND
            b'e' => drop(self.since_mark()?),                              // APPENDS
            b'b' => drop(self.pop()?),                                     // BUILD
            b'Q' => self.storage()?,                                       // BINPERSID
            b'R' | 0x81 => self.reduce()?,                                 // REDUCE, NEWOBJ
            b'q' => self.remember(1)?,                                     // BINPUT
            b'r' => self.remember(4)?,                                     // LONG_BINPUT
            0x94 => self.memoize(self.memo.len())?,                        // MEMOIZE
            b'h' => self.recall(1)?,                                       // BINGET
            b'j' => self.recall(4)?,                                       // LONG_BINGET
            b'.' => return Ok(false),                                      // STOP
            other => bail!("it holds what torch.save writes for no dictionary of tensors (operation {other:#04x})"),
        }
        Ok(true)
    }

    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).context("it is cut short")?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of some bytes, at most 8.
    fn unsigned(&mut self, bytes: usize) -> Result<usize> {
        let number = self.take(bytes)?.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).context("it names a number beyond this machine's")
    }

    fn push(&mut self, value: Value) -> Result<()> {
        ensure!(self.stack.len() < MOST, "it holds more than a dictionary of prompts would");
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value> {
        self.stack.pop().context("it takes what it has not put down")
    }

    fn since_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).context("it closes what it has not opened")?;
        let values = self.stack.split_off(mark + 1);
        self.stack.truncate(mark);
        Ok(values)
    }

    fn number(&mut self, bytes: usize) -> Result<()> {
        let number = self.unsigned(bytes)?;
        self.push(Value::Int(number as i64))
    }

    fn signed(&mut self) -> Result<()> {
        let number = self.unsigned(4)? as u32;
        self.push(Value::Int(i64::from(number.cast_signed())))
    }

    fn long(&mut self) -> Result<()> {
        let bytes = usize::from(self.byte()?);
        ensure!(bytes <= 8, "it names a number beyond this machine's");
        let (number, missing) = (self.unsigned(bytes)? as u64, 8 * (8 - bytes as u32));
        let number = number.checked_shl(missing).unwrap_or(0).cast_signed().checked_shr(missing).unwrap_or(0);
        self.push(Value::Int(number))
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        self.take(bytes)?;
        self.push(Value::Other)
    }

    fn text(&mut self, size: usize) -> Result<()> {
        let size = self.unsigned(size)?;
        let text = std::str::from_utf8(self.take(size)?).context("a name in it is no text")?.into();
        self.push(Value::Text(text))
    }

    fn line(&mut self) -> Result<String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').context("it is cut short")?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn global(&mut self) -> Result<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(format!("{module} {name}").into()))
    }

    fn stack_global(&mut self) -> Result<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        let (Value::Text(module), Value::Text(name)) = (module, name) else { bail!("it names an object without a name") };
        self.push(Value::Global(format!("{module} {name}").into()))
    }

    fn tuple_to_mark(&mut self) -> Result<()> {
        let values = self.since_mark()?;
        self.tuple_of(values)
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let from = self.stack.len().checked_sub(count).context("it takes what it has not put down")?;
        let values = self.stack.split_off(from);
        self.tuple_of(values)
    }

    fn tuple_of(&mut self, values: Vec<Value>) -> Result<()> {
        let depth = |value: &Value| if let Value::Tuple(_, depth) = value { *depth } else { 0 };
        let depth = 1 + values.iter().map(depth).max().unwrap_or(0);
        ensure!(depth <= DEEPEST, "it is nested deeper than a dictionary of prompts would be");
        self.push(Value::Tuple(values.into(), depth))
    }

    fn set_item(&mut self) -> Result<()> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.set(vec![key, value])
    }

    fn set_items(&mut self) -> Result<()> {
        let items = self.since_mark()?;
        self.set(items)
    }

    fn set(&mut self, items: Vec<Value>) -> Result<()> {
        if let Some(Value::Dict(dict)) = self.stack.last() {
            let mut dict = dict.borrow_mut();
            ensure!(dict.len() + items.len() / 2 < MOST, "it holds more than a dictionary of prompts would");
            let mut items = items.into_iter();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                // A dictionary in itself would never be let go, and holds no tensor.
                let value = if matches!(value, Value::Dict(_)) { Value::Other } else { value };
                dict.push((key, value));
            }
        }
        Ok(())
    }

    fn remember(&mut self, bytes: usize) -> Result<()> {
        let at = self.unsigned(bytes)?;
        self.memoize(at)
    }

    fn memoize(&mut self, at: usize) -> Result<()> {
        ensure!(at < MOST, "it holds more than a dictionary of prompts would");
        let value = self.stack.last().cloned().context("it keeps what it has not put down")?;
        if at >= self.memo.len() {
            self.memo.resize(at + 1, None);
        }
        self.memo[at] = Some(value);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Result<()> {
        let at = self.unsigned(bytes)?;
        let value = self.memo.get(at).cloned().flatten().context("it asks for what it has not kept")?;
        self.push(value)
    }

    /// `('storage', type, key, device, count)`: numbers in a file of their own.
    fn storage(&mut self) -> Result<()> {
        let Value::Tuple(parts, _) = self.pop()? else { bail!("it names numbers without saying where they lie") };
        let [_, Value::Global(kind), Value::Text(key), ..] = &*parts else { bail!("it names numbers without saying where they lie") };
        let dtype = match kind.rsplit(' ').next() {
            Some("FloatStorage") => DType::F32,
            Some("HalfStorage") => DType::F16,
            Some("BFloat16Storage") => DType::BF16,
            Some("DoubleStorage") => DType::F64,
            // Of a tensor that is no prompt.
            _ => DType::U8,
        };
        self.push(Value::Storage(key.clone(), dtype))
    }

    /// A call, of which only the making of tensors is understood.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Global(function), Value::Tuple(arguments, _)) = (function, arguments) else { return self.push(Value::Other) };
        let made = match (&*function, &*arguments) {
            ("collections OrderedDict", []) => Value::Dict(Rc::default()),
            (
                "torch._utils _rebuild_tensor_v2",
                [Value::Storage(storage, dtype), Value::Int(offset), Value::Tuple(shape, _), Value::Tuple(stride, _), ..],
            ) => {
                let [shape, stride] = [shape, stride].map(|numbers| sizes(numbers));
                let offset = usize::try_from(*offset).context("a tensor in it begins before its numbers")?;
                Value::Tensor(Rc::new(Recorded { storage: storage.clone(), dtype: *dtype, offset, shape: shape?, stride: stride? }))
            }
            ("torch._utils _rebuild_parameter", [tensor @ Value::Tensor(_), ..]) => tensor.clone(),
            _ => Value::Other,
        };
        self.push(made)
    }
}

fn sizes(numbers: &[Value]) -> Result<Vec<usize>> {
    let size = |value: &Value| match value {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    numbers.iter().map(size).collect::<Option<_>>().context("a tensor in it has no shape")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_run_and_nothing_else_is_made() {
        // os.system("true") where a tensor would be: {"a": os.system("true")}
        let bytes = b"\x80\x02}X\x01\x00\x00\x00acos\nsystem\nX\x04\x00\x00\x00true\x85Rs.";
        assert_eq!(tensors(bytes).unwrap(), []);
        // A tower of tuples that could not be taken down again.
        let tower = [&b"\x80\x02)"[..], &[0x85; 100_000], b"."].concat();
        assert!(tensors(&tower).unwrap_err().to_string().contains("nested"));
        // A dictionary in itself.
        assert_eq!(tensors(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.").unwrap(), []);
    }

    #[test]
    fn what_is_no_pickle_of_a_dictionary_is_refused() {
        for (bytes, why) in [
            (&b""[..], "cut short"),
            (b"\x80", "cut short"),
            (b"\x80\x02]q\x00.", "no dictionary"),
            (b"\x80\x02t.", "closes what it has not opened"),
            (b"\x80\x02h\x07.", "asks for what it has not kept"),
            (b"\x80\x02\xff.", "operation 0xff"),
            (b"\x80\x02X\xff\xff\xff\xffa.", "cut short"),
            (b"\x80\x02}r\xff\xff\xff\xff.", "more than a dictionary of prompts"),
        ] {
            let error = tensors(bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{bytes:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            tensors(&bytes).ok();
        }

        #[test]
        fn no_operations_panic(operations in proptest::collection::vec(proptest::sample::select(b"(KMJ\x8aGN\x88X\x8cc\x93)t\x85\x86\x87}]suaebQR\x81qr\x94hj.\x00\x01\x02\n".to_vec()), 0..200)) {
            tensors(&operations).ok();
        }
    }
}
