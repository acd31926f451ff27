//! Hostile other sides of the link.

use super::memory::peak_of;
use super::messages::{commands, events, heads, hello};
use super::mutate::Mutator;
use super::target::Target;
use darkroom::link::codec::{MAX_PACKET, Reader, decode, encode};
use darkroom::link::picture::Sending;
use darkroom::link::{Command, Event, News, Picture, over};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};

/// Lengths of MessagePack that promise much, names, and what nests.
const WORDS: &[&[u8]] = &[
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xde\xff\xff",
    b"\xda\xff\xff",
    b"\xc5\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\x91",
    b"\x81\xa1a",
    b"\xc0",
    b"\x80",
    b"\xa0",
    b"\xc1",
    b"\xcb\x7f\xf8\0\0\0\0\0\0",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\0\0\0\0\0\0\0",
    b"\xaaexperiment",
    b"\xa6sample",
    b"\xa4runs",
    b"\xa7Picture",
];

/// A packet is put together in a buffer that its own head asks for, of [`MAX_PACKET`] at most. What it says takes more as values
/// than as bytes: an empty text is one byte there and 24 here, and a list that grows has up to twice the room.
fn bound(bytes: usize) -> usize {
    MAX_PACKET + 48 * bytes + (1 << 20)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn framed(packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    packets.into_iter().flat_map(|packet| [&(packet.len() as u32).to_be_bytes()[..], &packet].concat()).collect()
}

fn packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (packet, rest) = rest.split_at(rest.len().min(u32::from_be_bytes(*length) as usize));
        packets.push(packet.to_vec());
        bytes = rest;
    }
    packets
}

/// A stream after some changes; most often its packets are as long as they say.
fn change(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    if mutator.once_in(5) {
        return mutator.change(bytes);
    }
    let mut packets = packets(&bytes);
    for _ in 0..=mutator.below(3) {
        let at = mutator.below(packets.len());
        match mutator.below(8) {
            0 if packets.len() > 1 => drop(packets.remove(at)),
            1 => packets.insert(at, packets[at].clone()),
            2 => {
                let to = mutator.below(packets.len());
                packets.swap(at, to);
            }
            3 => {
                let strange = self::packets(&mutator.seed());
                packets.insert(at, strange[mutator.below(strange.len())].clone());
            }
            _ => packets[at] = mutator.change(packets[at].clone()),
        }
    }
    framed(packets)
}

fn packet(message: &impl serde::Serialize) -> Vec<u8> {
    encode(message).unwrap().to_vec()
}

fn pictures() -> impl Iterator<Item = Event> {
    heads().into_iter().flat_map(|head| {
        let rgb = (0..head.width * head.height * 3).map(|at| at as u8).collect();
        let missing = head.width == 0;
        Sending::new(Picture { head, rgb }).take(if missing { 1 } else { usize::MAX })
    })
}

/// What a viewer hears to the end of a stream, and whether that was understood to its end.
async fn hears(stream: &[u8]) -> bool {
    let (near, far) = duplex(1 << 20);
    let mut wire = over(near);
    let (_kept, mut far) = tokio::io::split(far);
    let speaks = async {
        // A viewer that has heard enough closes.
        far.write_all(stream).await.ok();
        far.shutdown().await.ok();
    };
    let listens = async {
        let mut last = String::new();
        while let Some(news) = wire.news.recv().await {
            if let News::Lost { reason } = news {
                last = reason;
            }
        }
        last
    };
    let ((), last) = tokio::join!(speaks, listens);
    ["the connection to the engine broke", "the engine was stopped", "too many"].contains(&last.as_str())
}

#[test]
fn link_events() {
    let each = events().into_iter().map(|event| framed([packet(&hello()), packet(&event)]));
    let all = framed([hello()].into_iter().chain(events()).chain(pictures()).map(|event| packet(&event)));
    let shown = framed([hello()].into_iter().chain(pictures()).map(|event| packet(&event)));
    let runtime = runtime();
    Target {
        name: "link_events",
        few: 1500,
        seeds: each.chain([all, shown]).collect(),
        words: WORDS,
        change: &change,
        bound: &bound,
        read: &mut |stream| runtime.block_on(hears(stream)),
    }
    .fuzz();
}

#[test]
fn link_commands() {
    let all = framed(commands().iter().map(packet));
    let runtime = runtime();
    Target {
        name: "link_commands",
        few: 1500,
        seeds: commands().iter().map(|command| framed([packet(command)])).chain([all]).collect(),
        words: WORDS,
        change: &change,
        bound: &bound,
        read: &mut |stream| {
            runtime.block_on(async {
                let mut reader = Reader::new(stream);
                loop {
                    match reader.next::<Command>().await {
                        Ok(Some(_)) => {}
                        end => return end.is_ok(),
                    }
                }
            })
        },
    }
    .fuzz();
}

/// MessagePack of the largest packet: `before`, a list of as many `item` as fit, `after`.
fn largest(before: &[u8], item: &[u8], after: &[u8]) -> Vec<u8> {
    let count = (MAX_PACKET - before.len() - after.len() - 5) / item.len();
    [before, &[0xdd], &(count as u32).to_be_bytes(), &item.repeat(count), after].concat()
}

#[test]
fn the_largest_packets_of_the_smallest_things_are_read_within_bounds() {
    let hostile: [(&str, Vec<u8>); 6] = [
        ("texts", largest(b"\x81\xa5Hello\x97\x06\xa0\x01\x02\xc0", b"\xa0", b"\xa0")),
        ("numbers", largest(b"\x81\xa5Order\x91", b"\x01", b"")),
        ("cells", largest(b"\x81\xa5Table\x92\x01\x93\x01\x90", b"\x92\x01\xc0", b"")),
        ("points", largest(b"\x81\xa5Curve\x93\x01", b"\x95\x01\x01\x01\x01\x01", b"\xc2")),
        ("nothing in a recipe", largest(b"\x81\xa3Run\x81\xa3run\x81\xa6recipe\x82\xaaexperiment\xa6sample\xa4seed", b"\xc0", b"")),
        ("fields of a recipe", largest(b"\x81\xa3Run\x81\xa3run\x81\xa6recipe\x82\xaaexperiment\xa6sample\xa4seed", b"\x81\xa0\xc0", b"")),
    ];
    for (what, packet) in hostile {
        let (read, peak) = peak_of(|| decode::<Event>(&packet).map(drop));
        assert!(peak <= bound(packet.len()), "{what}: {} MiB", peak >> 20);
        assert_eq!(read.is_err(), what.contains("recipe"), "{what}: {read:?}");
    }
}
