package buffer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestWrite_FromFourProcessesLosesNothing(t *testing.T) {
	const processes, each = 4, 2000
	dir := t.TempDir()
	wait := make([]func(), processes)
	for i := range processes {
		cmd, output := inRole(t, "write", dir, fmt.Sprint(each), fmt.Sprint(100+i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait[i] = func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("writer %d: %v: %s", i, err, output)
			}
		}
	}
	for _, w := range wait {
		w()
	}
	names := list(t, dir, "*")
	if len(names) != processes*each {
		t.Errorf("%d files, want %d", len(names), processes*each)
	}
	for _, name := range names {
		checkWhole(t, filepath.Join(dir, name))
	}
}

func TestWrite_KilledLeavesOnlyWholeProfiles(t *testing.T) {
	const kills = 50
	dir := t.TempDir()
	for i := range kills {
		cmd, _ := inRole(t, "write-on", dir, fmt.Sprint(1<<20))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitFile(t, dir)
		time.Sleep(time.Duration(i) * 97 * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		for _, name := range list(t, dir, "profile_*") {
			checkWhole(t, filepath.Join(dir, name))
			os.Remove(filepath.Join(dir, name))
		}
	}
	debris := list(t, dir, "*")
	t.Logf("%d kills left %d temporary files", kills, len(debris))
	hourAgo := time.Now().Add(-time.Hour)
	for _, name := range debris {
		if !hasForm([]byte(name), tempForm) {
			t.Errorf("left behind: %s", name)
		}
		os.Chtimes(filepath.Join(dir, name), hourAgo, hourAgo)
	}
	mustWrite(t, newStore(t, Options{Dirs: []string{dir}}), document(10))
	if names := list(t, dir, ".*"); len(names) != 0 {
		t.Errorf("a later store left %v", names)
	}
}

func awaitFile(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(list(t, dir, "profile_*")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the writer writes nothing")
		}
		time.Sleep(time.Millisecond)
	}
}

// Whoever is told of a new name, and opens it at once, reads a whole profile.
func TestWrite_ShowsNoProfileBeforeItIsWhole(t *testing.T) {
	const writes = 200
	dir := t.TempDir()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	cmd, output := inRole(t, "write", dir, fmt.Sprint(writes), fmt.Sprint(256<<10))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	profiles := 0
	for profiles < writes && !t.Failed() {
		for _, name := range newNames(t, fd) {
			if ok, _ := filepath.Match("profile_*.json", name); ok {
				checkWhole(t, filepath.Join(dir, name))
				profiles++
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

// newNames waits for the next events of an inotify descriptor.
func newNames(t *testing.T, fd int) (names []string) {
	t.Helper()
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
	if ready != 1 && err != unix.EINTR {
		t.Fatalf("no event in 10 s: %v", err)
	}
	events := make([]byte, 64<<10)
	n, err := unix.Read(fd, events)
	if err != nil {
		t.Fatal(err)
	}
	for events = events[:n]; len(events) > 0; {
		event := (*unix.InotifyEvent)(unsafe.Pointer(&events[0]))
		end := unix.SizeofInotifyEvent + int(event.Len)
		names = append(names, unix.ByteSliceToString(events[unix.SizeofInotifyEvent:end]))
		events = events[end:]
	}
	return names
}
