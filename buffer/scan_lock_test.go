package buffer

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// paceRole: directory, limit, writes, pause in microseconds. It prints what the limits cost,
// in microseconds of CPU.
func paceRole(args []string) error {
	runtime.LockOSThread() // as the writer does: scans are charged by the CPU time of their thread
	s := New(Options{Dirs: args[:1], MaxFiles: int64(number(args[1]))})
	var spent time.Duration
	for range number(args[2]) {
		if err := s.Write(document(20)); err != nil {
			return err
		}
		began := cpuTime()
		s.EnforceLimits()
		for s.Step() {
		}
		spent += cpuTime() - began
		time.Sleep(time.Duration(number(args[3])) * time.Microsecond)
	}
	fmt.Println(spent.Microseconds())
	s.Close()
	return nil
}

func cpuTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Ten processes write to one directory of many files, at its limit: the looking after takes
// a tenth of a core in all, one of them is killed at any time, and the limit holds.
func TestClaim_ManyProcesses(t *testing.T) {
	share := shareOfManyProcesses(t)
	if hasRaceDetector() { // its own CPU time is most of it
		return
	}
	for try := 1; try < 3 && share > 0.1; try++ { // a busy machine
		share = min(share, shareOfManyProcesses(t))
	}
	if share > 0.1 {
		t.Errorf("looking after the directory took %.3f of a core", share)
	}
}

func hasRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func shareOfManyProcesses(t *testing.T) float64 {
	t.Helper()
	// A scan of more files takes so long on a busy machine that one more or less is a good part of the tenth.
	const files, processes, seconds = 5_000, 10, 4
	dir := t.TempDir()
	for i := range files {
		putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
	}
	const pause = 150_000 // µs; 67 writes a second in all: at twice as many, a slow machine's scans find 1 % too many, and are more
	var waits []func() (cpu int)
	began := time.Now()
	for i := range processes {
		cmd, output := inRole(t, "pace", dir, fmt.Sprint(files), fmt.Sprint(seconds*1_000_000/pause), fmt.Sprint(pause))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := i%3 == 0
		if killed {
			time.AfterFunc(time.Second, func() { cmd.Process.Kill() })
		}
		waits = append(waits, func() (cpu int) {
			if err := cmd.Wait(); err != nil && !killed {
				t.Errorf("%v: %s", err, output)
			}
			fmt.Sscan(output.String(), &cpu)
			return cpu
		})
	}
	total := 0
	for _, wait := range waits {
		total += wait()
	}
	took := time.Since(began)
	left := len(list(t, dir, "profile_*"))
	t.Logf("%d µs of CPU in %v, %d files", total, took, left)
	if left > files+files/50 || left < files-processes {
		t.Errorf("%d files are left, the limit is %d", left, files)
	}
	return float64(total) / float64(took.Microseconds())
}

// A lock that cannot be had (another user's file has its name) does not stop the limits.
func TestClaim_WithoutLock(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	lock := fmt.Sprintf(ownDirectory(dir)+"/"+scanLockForm, 0, os.Geteuid())
	if err := firstError(os.Mkdir(ownDirectory(dir), 0o700), os.WriteFile(lock, nil, 0o600), os.Chown(lock, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 5})
	for range 20 {
		mustWrite(t, s, document(10))
	}
	if got := len(list(t, dir, "profile_*")); got != 5 {
		t.Errorf("%d files, want 5", got)
	}
}

// A process that is stopped keeps the lock: the limits hold again when that has lasted too long, and the others
// do not all look at once.
func TestClaim_StuckLock(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 5})
	mustWrite(t, s, document(10))
	lock := fmt.Sprintf(ownDirectory(dir)+"/"+scanLockForm, 0, os.Geteuid())
	holder, err := os.OpenFile(lock, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if err := unix.Flock(int(holder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name       string
		since      time.Duration
		least, max int
	}{
		{"just taken", 0, 20, 1000},
		{"for nine minutes", 9 * time.Minute, 40, 1000},
		{"for longer than any scan", maxPause + time.Minute, 0, 25},
		{"and another one has looked just now", 0, 20, 1000},
		{"and the clock was set back since", -2 * maxPause, 0, 25},
	} {
		if step.since != 0 {
			if err := os.Chtimes(lock, time.Time{}, time.Now().Add(-step.since)); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			other := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 5})
			mustWrite(t, other, document(10))
			other.Close()
		}
		if got := len(list(t, dir, "profile_*")); got < step.least || got > step.max {
			t.Errorf("%s: %d files", step.name, got)
		}
	}
}

// Files that cannot be removed are no reason to look through the directory at every write,
// whether one process writes or several.
func TestClaim_FilesThatCannotBeRemoved(t *testing.T) {
	needRoot(t)
	for _, others := range []bool{false, true} {
		t.Run(fmt.Sprintf("others write %v", others), func(t *testing.T) {
			const files, limit, writes = 2000, 100, 300
			dir := t.TempDir()
			for i := range files {
				putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
				makeImmutable(t, dir+"/"+profileNumber(i), true)
				defer makeImmutable(t, dir+"/"+profileNumber(i), false)
			}
			s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: limit})
			began := cpuTime()
			mustWrite(t, s, document(10))
			for s.Step() {
			}
			once := cpuTime() - began
			began = cpuTime()
			for i := range writes {
				mustWrite(t, s, document(10))
				if others {
					putProfile(t, dir, files+i, 1, time.Now())
				}
			}
			all := cpuTime() - began
			t.Logf("a scan takes %v, %d writes take %v", once, writes, all)
			if all > writes/5*once {
				t.Errorf("%d writes take %v of CPU, as many as %d scans", writes, all, all/once)
			}
		})
	}
}

// makeImmutable sets or clears the flag that chattr(1) calls i: no process can remove the file.
func makeImmutable(t *testing.T, path string, is bool) {
	t.Helper()
	const immutable = 0x10 // FS_IMMUTABLE_FL
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err == nil && is {
		err = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags|immutable)
	} else if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags&^immutable)
	}
	if err != nil {
		cannot(t, "make files immutable", err)
	}
}
