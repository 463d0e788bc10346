"""Each data set from small files made here: values, splits, and what is said about damaged or missing ones."""

from __future__ import annotations

import io
import struct
import sys
import types
import wave
from pathlib import Path

import numpy as np
import pytest

from tinykd.data import Dataset, load
from tinykd.data.log_mel import log_mel
from tinykd.data.wav import read_wav
from tinykd.errors import DataError
from tinykd.recipe.model import Data, LogMel

RNG = np.random.default_rng(2)
PIXELS = RNG.integers(0, 256, (40, 28, 28), dtype=np.uint8)
LABELS = np.arange(40) % 10


def save_mnist(folder: Path, **changes: np.ndarray) -> None:
    arrays = {"x_train": PIXELS, "y_train": LABELS.astype(np.uint8), "x_test": PIXELS[:10], "y_test": LABELS[:10]}
    np.savez(folder / "mnist.npz", **(arrays | changes))


def whole(data: Dataset) -> np.ndarray:
    """Training and validation inputs in one array, in no known order."""
    return np.concatenate([data.train.x, data.validation.x])


def rows(x: np.ndarray) -> list[bytes]:
    return sorted(sample.tobytes() for sample in x)


class TestDigits:
    def test_values_and_shares(self) -> None:
        datasets = pytest.importorskip("sklearn.datasets")
        data = load(Data(name="digits"), seed=0)
        raw = datasets.load_digits().data.reshape(-1, 8, 8, 1) / 16
        splits = [data.train, data.validation, data.test]
        assert rows(np.concatenate([s.x for s in splits])) == rows(raw.astype(np.float32))
        assert [len(s) for s in splits] == [1295, 143, 359]
        assert (data.input_shape, data.classes, data.class_names) == ((8, 8, 1), 10, tuple("0123456789"))

    def test_seed_moves_samples_but_loses_none(self) -> None:
        pytest.importorskip("sklearn")
        first, again, other = (load(Data(name="digits"), seed=s) for s in (0, 0, 1))
        assert first.content_hash == again.content_hash != other.content_hash
        assert rows(whole(first)) != rows(whole(other))

    def test_fractions(self) -> None:
        pytest.importorskip("sklearn")
        data = load(Data(name="digits", test_fraction=0.5, validation_fraction=0.2), seed=0)
        # Of 1797: each class rounds alone, so that sums may differ by a few.
        assert abs(len(data.test) - 898.5) <= 5
        assert abs(len(data.validation) - 180) <= 5


class TestMnist:
    def test_local_file_in_keras_layout(self, tmp_path: Path) -> None:
        save_mnist(tmp_path)
        for data in (load(Data(name="mnist"), 0, tmp_path), load(Data(name="mnist", path=str(tmp_path / "mnist.npz")), 0)):
            assert rows(whole(data)) == rows((PIXELS[..., None] / np.float32(255)).astype(np.float32))
            assert (data.test.x == PIXELS[:10, ..., None] / np.float32(255)).all()
            assert data.test.y.tolist() == LABELS[:10].tolist()
            assert data.input_shape == (28, 28, 1)
            assert len(data.validation) == 10

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"x_train": PIXELS / 255}, r"x_train is float64 \[40, 28, 28\], not uint8 \[samples, 28, 28\]"),
            ({"x_test": PIXELS[:10, :27]}, r"x_test is uint8 \[10, 27, 28\]"),
            ({"y_train": LABELS[:39]}, "train split: 40 samples but 39 labels"),
            ({"y_train": np.array([object()] * 40)}, "it holds Python objects, which are not read"),
        ],
    )
    def test_damage_is_refused(self, tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
        save_mnist(tmp_path, **changes)
        with pytest.raises(DataError, match=message):
            load(Data(name="mnist"), 0, tmp_path)

    def test_truncated_file_is_refused(self, tmp_path: Path) -> None:
        save_mnist(tmp_path)
        path = tmp_path / "mnist.npz"
        path.write_bytes(path.read_bytes()[:3000])
        with pytest.raises(DataError, match=r"cannot read .*mnist\.npz"):
            load(Data(name="mnist"), 0, tmp_path)

    def test_any_damage_is_an_error_or_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "a.npz"
        np.savez_compressed(path, x=PIXELS[:, :4, :4] // 64, y=LABELS)
        good = load(Data(name="npz", path=str(path)), 0).content_hash
        content = path.read_bytes()
        rng = np.random.default_rng(4)
        refused = 0
        for _ in range(300):
            damaged = bytearray(content)
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            try:
                assert load(Data(name="npz", path=str(path)), 0).content_hash == good
            except DataError:
                refused += 1
        assert refused > 150

    def test_flipped_bits_are_refused(self, tmp_path: Path) -> None:
        save_mnist(tmp_path)
        path = tmp_path / "mnist.npz"
        damaged = bytearray(path.read_bytes())
        damaged[5000] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="Bad CRC-32"):
            load(Data(name="mnist"), 0, tmp_path)

    def test_without_file_and_network_the_message_says_what_to_put_where(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def load_data() -> None:
            raise Exception("URL fetch failure: no route")

        module = types.ModuleType("keras.datasets.mnist")
        monkeypatch.setattr(module, "load_data", load_data, raising=False)
        monkeypatch.setitem(sys.modules, "keras.datasets.mnist", module)
        with pytest.raises(
            DataError, match=r"mnist is not here and cannot be downloaded: URL fetch failure(.|\n)*mnist\.npz with x_train"
        ) as caught:
            load(Data(name="mnist"), 0)
        assert "put mnist.npz with x_train" in caught.value.hint
        assert "--data-dir" in caught.value.hint

    def test_path_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"data\.path: nothing at"):
            load(Data(name="mnist", path=str(tmp_path / "absent")), 0)

    def test_data_dir_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="--data-dir: nothing at"):
            load(Data(name="mnist"), 0, tmp_path / "absent")


class TestCifar10:
    @pytest.fixture
    def archive(self) -> dict[str, np.ndarray]:
        image = pytest.importorskip("PIL.Image")
        arrays: dict[str, np.ndarray] = {}
        for kind, count in (("train", 20), ("test", 10)):
            colours = RNG.integers(0, 256, (count, 3), dtype=np.uint8)
            files = []
            for colour in colours:
                stream = io.BytesIO()
                image.new("RGB", (32, 32), tuple(map(int, colour))).save(stream, "JPEG", quality=100, subsampling=0)
                files.append(stream.getvalue())
            arrays[f"jpeg_{kind}"] = np.frombuffer(b"".join(files), np.uint8)
            arrays[f"offsets_{kind}"] = np.cumsum([0, *map(len, files)])
            arrays[f"y_{kind}"] = np.arange(count) % 10
            arrays[f"colours_{kind}"] = colours
        return arrays

    def test_jpeg_archive(self, tmp_path: Path, archive: dict[str, np.ndarray]) -> None:
        np.savez(tmp_path / "cifar10_jpeg.npz", **archive)
        data = load(Data(name="cifar10"), 0, tmp_path)
        assert data.test.x.shape == (10, 32, 32, 3)
        # A flat colour survives JPEG up to the rounding of its colour space.
        assert np.abs(data.test.x * 255 - archive["colours_test"][:, None, None, :]).max() < 3
        assert data.class_names[3] == "cat"

    def test_damaged_jpeg_is_named(self, tmp_path: Path, archive: dict[str, np.ndarray]) -> None:
        archive["offsets_test"] = archive["offsets_test"] + np.array([0] * 4 + [9] + [0] * 6)
        np.savez(tmp_path / "cifar10_jpeg.npz", **archive)
        with pytest.raises(DataError, match="image 4 does not decode"):
            load(Data(name="cifar10"), 0, tmp_path)

    def test_plain_archive_with_keras_labels(self, tmp_path: Path) -> None:
        x = RNG.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
        y = (np.arange(20) % 10)[:, None]
        np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        data = load(Data(name="cifar10"), 0, tmp_path)
        assert (data.test.x == x / np.float32(255)).all()
        assert data.test.y.shape == (20,)


class TestNpz:
    def test_one_array_is_split(self, tmp_path: Path) -> None:
        x = RNG.standard_normal((50, 6))
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(50) % 2, class_names=np.array(["off", "on"]))
        data = load(Data(name="npz", path="a.npz", test_fraction=0.4), 0, tmp_path)
        assert (data.input_shape, data.class_names) == ((6,), ("off", "on"))
        assert [len(s) for s in (data.train, data.validation, data.test)] == [26, 4, 20]
        assert rows(np.concatenate([whole(data), data.test.x])) == rows(x.astype(np.float32))

    def test_official_splits_and_pixels(self, tmp_path: Path) -> None:
        splits = {f"{a}_{k}": PIXELS if a == "x" else LABELS for a in "xy" for k in ("train", "validation", "test")}
        np.savez(tmp_path / "a.npz", **splits)
        data = load(Data(name="npz", path=str(tmp_path / "a.npz")), 0)
        for split in (data.train, data.validation, data.test):
            assert (split.x == PIXELS[..., None] / np.float32(255)).all()

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"x": PIXELS}, "holds no array called y"),
            ({"images": PIXELS}, "holds no array called x_train"),
            ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS}, "holds no array called y_test"),
            (
                {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS / 255, "y_test": LABELS},
                "x_train is uint8, x_test is float64",
            ),
            ({"x": PIXELS, "y": LABELS * 0}, "every label is 0"),
            ({"x": PIXELS, "y": LABELS, "class_names": np.array(["a", "b"])}, r"has label \d, outside 0\.\.1"),
        ],
    )
    def test_mistakes_are_refused(self, tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(DataError, match=message):
            load(Data(name="npz", path=str(tmp_path / "a.npz")), 0)

    def test_path_is_needed(self) -> None:
        with pytest.raises(DataError, match=r"data set npz needs data\.path"):
            load(Data(name="npz"), 0)

    def test_one_array_file_is_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", PIXELS)
        with pytest.raises(DataError, match="one array, not an"):
            load(Data(name="npz", path=str(tmp_path / "a.npy")), 0)

    def test_hash_depends_on_values_and_preprocessing(self, tmp_path: Path) -> None:
        hashes = set()
        for x in (PIXELS, PIXELS[..., None] / np.float32(255), PIXELS[::-1]):
            np.savez(tmp_path / "a.npz", x=x, y=LABELS)
            hashes.add(load(Data(name="npz", path=str(tmp_path / "a.npz")), 0).content_hash)
        assert len(hashes) == 3


class TestImages:
    def save(self, file: Path, mode: str, size: tuple[int, int], colour: object) -> None:
        image = pytest.importorskip("PIL.Image")
        file.parent.mkdir(parents=True, exist_ok=True)
        image.new(mode, size, colour).save(file)

    def test_class_folders_with_test_split(self, tmp_path: Path) -> None:
        for kind in ("train", "test"):
            for index, name in enumerate(("cat", "dog")):
                for number in range(4):
                    self.save(tmp_path / kind / name / f"{number}.png", "RGB", (5, 3), (10 * number, 100 * index, 255))
        (tmp_path / "train" / "cat" / "notes.txt").write_text("not a sample")
        data = load(Data(name="images", path=str(tmp_path)), 0)
        assert data.class_names == ("cat", "dog")
        assert data.test.x.shape == (8, 3, 5, 3)
        expected = [[10 * number, 100 * index, 255] for index in range(2) for number in range(4)]
        assert (data.test.x[:, 0, 0] == np.array(expected, np.float32) / np.float32(255)).all()
        assert data.test.y.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        assert len(data.train) + len(data.validation) == 8

    def test_grey_images_have_one_channel(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            for number in range(8):
                self.save(tmp_path / name / f"{number}.pgm", "L", (4, 4), number)
        assert load(Data(name="images", path=str(tmp_path)), 0).input_shape == (4, 4, 1)

    def test_other_size_is_refused_or_resized(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            for number in range(8):
                self.save(tmp_path / name / f"{number}.png", "L", (4, 4 + number), 255)
        with pytest.raises(DataError, match=r"1\.png is 5x4, .*0\.png is 4x4(.|\n)*data\.image_size"):
            load(Data(name="images", path=str(tmp_path)), 0)
        data = load(Data(name="images", path=str(tmp_path), image_size=(6, 3)), 0)
        assert data.input_shape == (6, 3, 1)
        assert (data.train.x == 1).all()

    def test_mistakes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="holds 0 class folders"):
            load(Data(name="images", path=str(tmp_path)), 0)
        self.save(tmp_path / "a" / "0.png", "L", (4, 4), 1)
        (tmp_path / "b").mkdir()
        with pytest.raises(DataError, match=r"b holds no \.png"):
            load(Data(name="images", path=str(tmp_path)), 0)
        (tmp_path / "b" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        with pytest.raises(DataError, match=r"0\.png is not an image"):
            load(Data(name="images", path=str(tmp_path)), 0)

    def test_class_of_the_test_split_alone_is_refused(self, tmp_path: Path) -> None:
        for folder in ("train/a", "train/b", "test/a", "test/c"):
            self.save(tmp_path / folder / "0.png", "L", (4, 4), 1)
        with pytest.raises(DataError, match="the train split has no class c"):
            load(Data(name="images", path=str(tmp_path)), 0)


def save_wav(file: Path, samples: bytes, *, width: int, rate: int = 8000, channels: int = 1) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(samples)


class TestWav:
    @pytest.mark.parametrize(
        ("width", "samples"),
        [
            (1, bytes([0, 64, 128, 192])),
            (2, struct.pack("<4h", -32768, -16384, 0, 16384)),
            (3, b"\x00\x00\x80" + b"\x00\x00\xc0" + b"\x00\x00\x00" + b"\x00\x00\x40"),
            (4, struct.pack("<4i", -(2**31), -(2**30), 0, 2**30)),
        ],
    )
    def test_every_width_is_read(self, tmp_path: Path, width: int, samples: bytes) -> None:
        save_wav(tmp_path / "a.wav", samples, width=width)
        assert read_wav(tmp_path / "a.wav", 8000).tolist() == [-1.0, -0.5, 0.0, 0.5]

    def test_channels_are_averaged(self, tmp_path: Path) -> None:
        save_wav(tmp_path / "a.wav", struct.pack("<4h", 16384, -16384, 16384, 0), width=2, channels=2)
        assert read_wav(tmp_path / "a.wav", 8000).tolist() == [0.0, 0.25]

    def test_folder_becomes_features(self, tmp_path: Path) -> None:
        params = LogMel(clip_length=800, mel_bins=10)
        waves = RNG.integers(-20000, 20000, (12, 700)).astype("<i2")
        for index, samples in enumerate(waves):
            save_wav(tmp_path / ("no" if index < 6 else "yes") / f"{index:02}.wav", samples.tobytes(), width=2)
        data = load(Data(name="wav", path=str(tmp_path), log_mel=params), 0)
        assert data.class_names == ("no", "yes")
        assert data.input_shape == (4, 10, 1)
        expected = log_mel(np.pad(waves / np.float32(32768), ((0, 0), (0, 100))), params)
        assert rows(np.concatenate([whole(data), data.test.x])) == rows(expected)

    def test_longer_recordings_are_cut(self, tmp_path: Path) -> None:
        params = LogMel(clip_length=400)
        noise = RNG.integers(-9000, 9000, 1000).astype("<i2")
        for name in ("a", "b"):
            for number, length in enumerate((1000, 400, 700, 500)):
                save_wav(tmp_path / name / f"{number}.wav", noise[:length].tobytes(), width=2)
        data = load(Data(name="wav", path=str(tmp_path), log_mel=params, validation_fraction=0.3), 0)
        assert len(set(rows(np.concatenate([whole(data), data.test.x])))) == 1

    def test_other_rate_is_refused(self, tmp_path: Path) -> None:
        save_wav(tmp_path / "a.wav", bytes(8), width=2, rate=16000)
        with pytest.raises(DataError, match=r"has 16000 samples a second; data\.log_mel\.sample_rate is 8000(.|\n)*resample"):
            read_wav(tmp_path / "a.wav", 8000)

    @pytest.mark.parametrize(
        "content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"not sound at all", b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00"]
    )
    def test_damage_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.wav").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.wav is not a linear PCM recording"):
            read_wav(tmp_path / "a.wav", 8000)

    def test_floating_point_is_refused(self, tmp_path: Path) -> None:
        save_wav(tmp_path / "a.wav", bytes(16), width=4)
        content = bytearray((tmp_path / "a.wav").read_bytes())
        content[20:22] = b"\x03\x00"  # WAVE_FORMAT_IEEE_FLOAT
        (tmp_path / "a.wav").write_bytes(content)
        with pytest.raises(DataError, match="unknown format: 3"):
            read_wav(tmp_path / "a.wav", 8000)

    def test_header_that_promises_gigabytes(self, tmp_path: Path) -> None:
        save_wav(tmp_path / "a.wav", struct.pack("<2h", 0, 16384), width=2)
        content = bytearray((tmp_path / "a.wav").read_bytes())
        content[40:44] = b"\xf0\xff\xff\x7f"  # length of the data chunk
        (tmp_path / "a.wav").write_bytes(content)
        assert read_wav(tmp_path / "a.wav", 8000).tolist() == [0.0, 0.5]

    def test_any_damage_is_an_error_or_sound(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        save_wav(path, np.arange(50, dtype="<i2").tobytes(), width=2)
        content = path.read_bytes()
        rng = np.random.default_rng(0)
        refused = 0
        for _ in range(400):
            damaged = bytearray(content)
            for _ in range(rng.integers(1, 4)):
                damaged[rng.integers(60)] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                assert np.abs(read_wav(path, 8000)).max() <= 1
            except DataError:
                refused += 1
        assert refused > 200

    def test_no_samples_is_refused(self, tmp_path: Path) -> None:
        save_wav(tmp_path / "a.wav", b"", width=2)
        with pytest.raises(DataError, match="holds no samples"):
            read_wav(tmp_path / "a.wav", 8000)


class TestSpokenDigits:
    def waves(self, count: int) -> np.ndarray:
        return RNG.integers(-9000, 9000, (count, 900)).astype(np.int16)

    def test_archive(self, tmp_path: Path) -> None:
        train, test = self.waves(40), self.waves(10)
        np.savez(tmp_path / "spoken_digits.npz", x_train=train, y_train=LABELS, x_test=test, y_test=LABELS[:10])
        params = LogMel(clip_length=1000)
        data = load(Data(name="spoken_digits", log_mel=params), 0, tmp_path)
        expected = log_mel(np.pad(test / np.float32(32768), ((0, 0), (0, 100))), params)
        assert (data.test.x == expected).all()
        assert data.class_names[7] == "seven"

    def test_recordings_split_by_index(self, tmp_path: Path) -> None:
        waves = self.waves(70)
        for index, samples in enumerate(waves):
            save_wav(tmp_path / "recordings" / f"{index % 10}_ann_{index // 10}.wav", samples.tobytes(), width=2)
        params = LogMel(clip_length=900)
        data = load(Data(name="spoken_digits", log_mel=params), 0, tmp_path)
        assert rows(data.test.x) == rows(log_mel(waves[:50] / np.float32(32768), params))
        assert data.test.y.tolist() == sorted(list(range(10)) * 5)
        assert len(data.train) + len(data.validation) == 20

    def test_mistakes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"spoken_digits is not here(.|\n)*git clone"):
            load(Data(name="spoken_digits"), 0, tmp_path)
        with pytest.raises(DataError, match="8000 samples a second"):
            load(Data(name="spoken_digits", log_mel=LogMel(sample_rate=16000)), 0, tmp_path)
        np.savez(tmp_path / "spoken_digits.npz", x_train=np.zeros((9, 900)), y_train=LABELS[:9], x_test=self.waves(9), y_test=LABELS[:9])
        with pytest.raises(DataError, match=r"x_train is float64 \[9, 900\], not int16"):
            load(Data(name="spoken_digits"), 0, tmp_path)
