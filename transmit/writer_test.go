package transmit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// frozenDisk mounts a file system of its own and returns a directory on it, and
// a function that freezes it: writes hang until it is thawed, as on a hung disk.
func frozenDisk(t *testing.T) (dir string, freeze, thaw func()) {
	t.Helper()
	base := shortDir(t)
	image, mount := filepath.Join(base, "image"), filepath.Join(base, "mount")
	run := func(name string, args ...string) error {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s %v: %w: %s", name, args, err, out)
		}
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(mount, 0o755))
	must(run("truncate", "-s", "64M", image))
	must(run("mkfs.ext4", "-q", image))
	if err := run("mount", "-o", "loop", image, mount); err != nil {
		if os.Getenv("TRANSMIT_STRICT") != "" {
			t.Fatal(err)
		}
		t.Skipf("no disk to freeze: %v", err)
	}
	thaw = func() { _ = run("fsfreeze", "--unfreeze", mount) }
	t.Cleanup(func() {
		thaw()
		must(run("umount", "--lazy", mount)) // the writer keeps its directory open
	})
	return mount, func() { must(run("fsfreeze", "--freeze", mount)) }, thaw
}

// A hung disk and an absent listener: every call is short, what is taken is
// bounded, and all that was taken is there when the disk answers again.
func TestSend_HungDisk(t *testing.T) {
	dir, freeze, thaw := frozenDisk(t)
	tx := New(t.TempDir())
	mustConfigure(t, tx, `{"listener_socket":"/nonexistent","buffer_dirs":["`+dir+`"]}`)
	if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome != Buffered {
		t.Fatal(outcome, err)
	}
	freeze()
	counts := make(map[Outcome]int)
	late, waited := 0, 0 // a busy machine makes some so
	frozen := time.Now()
	for i := range 10_000 {
		start := time.Now()
		outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)})
		took := time.Since(start)
		counts[outcome]++
		if i == 0 && (outcome != Pending || took < 45*time.Millisecond) {
			t.Errorf("first: %v after %v, want Pending after 50 ms", outcome, took)
		}
		if outcome == NotTaken && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if took > 75*time.Millisecond {
			late++
		}
		if start.Sub(frozen) > hungAfter+100*time.Millisecond && took > 20*time.Millisecond {
			waited++
		}
	}
	if late > 100 || waited > 500 { // of 10,000
		t.Errorf("%d calls took over 75 ms, %d waited for a disk that hangs", late, waited)
	}
	// One is with the writer, the others wait.
	if counts[Pending] != maxWaiting+1 || counts[NotTaken] != 10_000-maxWaiting-1 {
		t.Errorf("outcomes %v", counts)
	}
	if tx.Flush(10 * time.Millisecond) {
		t.Error("flushed a frozen disk")
	}
	thaw()
	if !tx.Flush(30 * time.Second) {
		t.Fatal("not flushed")
	}
	if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome == NotTaken || !tx.Flush(30*time.Second) {
		t.Errorf("after the thaw: %v, %v", outcome, err)
	}
	if n, want := len(buffered(t, dir)), 1+maxWaiting+1+1; n != want {
		t.Errorf("%d files, want %d", n, want)
	}
}

// Large profiles that wait are bounded in bytes, but one is always let in.
func TestSend_HungDiskLargeProfiles(t *testing.T) {
	dir, freeze, thaw := frozenDisk(t)
	tx := New(t.TempDir())
	mustConfigure(t, tx, `{"listener_socket":"/nonexistent","buffer_dirs":["`+dir+`"]}`)
	large := make([]byte, maxWaitingBytes/4)
	freeze()
	var got []Outcome
	for range 6 {
		outcome, _ := tx.Send(SendRequest{JSON: large, AsIs: true, Timeout: 3 * time.Second})
		got = append(got, outcome)
	}
	if want := []Outcome{Pending, Pending, Pending, Pending, NotTaken, NotTaken}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	thaw()
	tx.Flush(5 * time.Second)
}

// However much of others' large profiles waits, small ones are let in, as many as may wait.
func TestSend_HungDiskSmallBesideLarge(t *testing.T) {
	for _, large := range []int{maxWaitingBytes, 5 * maxWaitingBytes} {
		dir, freeze, thaw := frozenDisk(t)
		tx := New(t.TempDir())
		mustConfigure(t, tx, `{"listener_socket":"/nonexistent","buffer_dirs":["`+dir+`"]}`)
		freeze()
		request := SendRequest{JSON: make([]byte, large), AsIs: true, Timeout: 10 * time.Second, NoWait: true}
		if outcome, err := tx.Send(request); outcome != Pending {
			t.Fatal(outcome, err)
		}
		request.Timeout = 0
		for i := range maxWaiting {
			request.JSON = make([]byte, []int{1, 1000, smallBlock}[i%3])
			if outcome, err := tx.Send(request); outcome != Pending {
				t.Errorf("%d bytes, number %d beside %d bytes: %v %v", len(request.JSON), i, large, outcome, err)
			}
		}
		for _, size := range []int{1, smallBlock + 1} {
			request.JSON = make([]byte, size)
			if outcome, err := tx.Send(request); !errors.Is(err, ErrBusy) {
				t.Errorf("one too many, of %d bytes: %v %v", size, outcome, err)
			}
		}
		thaw()
		tx.Flush(10 * time.Second)
	}
}

func TestSend_NoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tx := New("/tmp")
	mustConfigure(t, tx, `{"listener_socket":"/nonexistent","buffer_dirs":["`+file+`"]}`)
	outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)})
	if outcome != NotTaken || err == nil {
		t.Error(outcome, err)
	}
}

// The settings of a call say where it is buffered.
func TestSend_BufferFollowsTheSettings(t *testing.T) {
	tx, first := newTransmitter(t, "/nonexistent")
	second := t.TempDir()
	for _, dir := range []string{first, second, first} {
		mustConfigure(t, tx, `{"buffer_dirs":["`+dir+`"]}`)
		before := len(buffered(t, dir))
		if outcome, err := tx.Send(SendRequest{JSON: []byte(`{}`)}); outcome != Buffered {
			t.Fatal(outcome, err)
		}
		if got := len(buffered(t, dir)) - before; got != 1 {
			t.Errorf("%d new files in %s", got, dir)
		}
	}
}

// Large profiles do not make the process large for good.
func TestSend_GivesMemoryBack(t *testing.T) {
	tx, dir := newTransmitter(t, "/nonexistent")
	large := bytes.Repeat([]byte{' '}, 40<<20) // written to: it is resident before the calls
	before := residentBytes(t)
	for range 5 {
		if outcome, err := tx.Send(SendRequest{JSON: large, AsIs: true, Timeout: 5 * time.Second}); outcome != Buffered {
			t.Fatal(outcome, err)
		}
	}
	for _, name := range mustGlob(t, dir) {
		os.Remove(name)
	}
	if after := residentBytes(t); after > before+int64(len(large))/2 {
		t.Errorf("resident: %d MiB before, %d MiB after", before>>20, after>>20)
	}
}

func residentBytes(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var total, resident int64
	if _, err := fmt.Sscan(string(text), &total, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

// What there is no time to cut is kept whole: a document that came too late, or a large one
// whose copy needs the time. A busy machine may take longer for that copy now and then.
func TestSend_NoTimeToCut(t *testing.T) {
	for _, test := range []struct {
		name          string
		queries       int
		timeout, goOn time.Duration
	}{
		{"a megabyte, too late", 5000, time.Microsecond, 0},
		{"eight megabytes", 30_000, 12 * time.Millisecond, 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			tx, dir := newTransmitter(t, "/nonexistent")
			doc := sample(10, test.queries)
			r := SendRequest{JSON: doc, Trusted: true, Timeout: test.timeout}
			outcome, err := tx.Send(r)
			for end := time.Now().Add(test.goOn); outcome == NotTaken && !passed(end); outcome, err = tx.Send(r) {
				if !errors.Is(err, profile.ErrTimeUp) {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if outcome == NotTaken || !errors.Is(err, socket.ErrTooLarge) {
				t.Fatal(outcome, err)
			}
			if !tx.Flush(30 * time.Second) {
				t.Fatal("not flushed")
			}
			if files := buffered(t, dir); len(files) != 1 || len(files[0]) <= len(doc) {
				t.Errorf("%d files", len(files))
			}
		})
	}
}
