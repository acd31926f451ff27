//! Pictures that go into runs: kept with them, and never by the name of a place.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;

fn photo(folder: &Path, seed: u8) -> String {
    let path = folder.join(format!("photo{seed}.png"));
    picture(seed).save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_picture_with_a_photo_in_its_recipe_runs_again_when_the_photo_is_gone() {
    let (folder, gallery) = workspace();
    let original = photo(folder.path(), 3);
    let run = finish(&gallery, &grid_of("edit", &[("image", &original), ("start", "5")])).remove(0);
    std::fs::remove_file(&original).unwrap();

    let file = gallery.picture_path(run.id, 0);
    let bytes = std::fs::read(&file).unwrap();
    let place = folder.path().to_str().unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(place), "the metadata name no folder");
    let (recipe, ..) = read_png_recipe(&file).unwrap();
    let again = gallery.submit(&Grid::one(recipe.clone())).unwrap().remove(0);
    let image = again.recipe.images().remove(0);
    assert_eq!(image.hash(), run.recipe.images()[0].hash());
    assert_eq!(gallery.inputs().open(&image).unwrap(), image::DynamicImage::from(picture(3)).into_rgba8());

    // In another workspace the same recipe says which picture is missing.
    let (_other, other) = workspace();
    let error = other.submit(&Grid::one(recipe)).unwrap_err().to_string();
    assert!(error.contains("does not keep") && error.contains("name the picture itself"), "{error}");
}

#[test]
fn one_bad_picture_refuses_the_whole_grid() {
    let (folder, gallery) = workspace();
    let good = photo(folder.path(), 1);
    let mut grid = grid_of("forward", &[("image", &good), ("seed", "1,2")]);
    *grid.recipes[1].images_mut()[0] = Image::file(&folder.path().join("nowhere.png"));
    assert!(gallery.submit(&grid).unwrap_err().to_string().contains("nowhere.png"));
    assert_eq!((gallery.queue().unwrap(), std::fs::read_dir(folder.path().join("runs")).unwrap().count()), (vec![], 0));
}

#[test]
fn an_address_is_fetched_once_for_a_whole_grid() {
    let (_folder, gallery) = workspace();
    let png = encode(&picture(7), &[]).unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/photo.png", server.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let _ = stream.read(&mut [0; 2048]).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", png.len()).unwrap();
        stream.write_all(&png).unwrap();
        // Whoever asks a second time is not served.
    });
    let runs = gallery.submit(&grid_of("forward", &[("image", &address), ("seed", "1..5")])).unwrap();
    served.join().unwrap();
    assert_eq!(runs.len(), 5);
    assert!(runs.iter().all(|run| run.recipe.images()[0].name() == "photo.png" && run.recipe.images()[0].hash().is_some()));
}

#[test]
fn a_result_is_the_input_of_another_run() {
    let (_folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    let run = gallery.submit(&grid_of("edit", &[("image", "run:1"), ("start", "5")])).unwrap().remove(0);
    assert_eq!(gallery.inputs().open(&run.recipe.images()[0]).unwrap(), image::DynamicImage::from(picture(1)).into_rgba8());
    for (missing, words) in [("run:1/2", "no picture 2"), ("run:9", "run 9 has no picture"), ("run:x", "names no result")] {
        let error = gallery.submit(&grid_of("edit", &[("image", missing), ("start", "5")])).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_step_where_a_picture_goes_in_and_a_picture_where_a_step_does_are_refused_at_once() {
    let (_folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    gallery.keep_step(RunId(1), (0, 1), || Ok(b"tensors".to_vec())).unwrap();
    let branch = gallery.submit(&grid_of("sample", &[("from", "run:1@1"), ("seed", "1,2")])).unwrap().remove(0);
    let step = branch.recipe.images()[0].to_string();
    for wrong in ["run:1@1", &step] {
        let error = gallery.submit(&grid_of("edit", &[("image", wrong), ("from", &step)])).unwrap_err().to_string();
        assert!(error.contains("is a kept step and no picture"), "{error}");
    }
    let edit = gallery.submit(&grid_of("edit", &[("image", "run:1")])).unwrap().remove(0);
    let picture = edit.recipe.images()[0].to_string();
    let error = gallery.submit(&grid_of("sample", &[("from", &picture)])).unwrap_err().to_string();
    assert!(error.contains("is no kept step; write for example run:142@12"), "{error}");
}
