package tests

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fault keeps profiles from the disk for a while.
type fault struct {
	name       string
	begin, end func(t *testing.T, dir string)
	result     int // of the calls meanwhile
	says       string
}

// The disk refuses a write: the result says why, and no incomplete file stays. When the disk works again, the next
// profile is written.
func TestDisk_Refuses(t *testing.T) {
	nothing := func(*testing.T, string) {}
	mode := func(mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, dir string) { check(t, os.Chmod(dir, mode)) }
	}
	remount := func(options string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { command(t, "mount", "-o", "remount,"+options, dir) }
	}
	for _, c := range []struct {
		options string // of the tmpfs
		fault
	}{
		{"size=256k", fault{"full", nothing, nothing, eFull, "no space left"}},
		{"nr_inodes=50", fault{"no inodes", nothing, nothing, eFull, "no space left"}},
		{"size=1m", fault{"read-only", remount("ro"), remount("rw"), eNoDir, "read-only"}},
		{"size=1m", fault{"no permission", mode(0o555), mode(0o777 | os.ModeSticky), eNoDir, "permission denied"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.buffer = tinyDisk(t, c.options)
			check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
			refuses(t, s, ordinaryDriver(t, s), c.fault)
		})
	}
	for _, c := range []struct {
		name   string
		errno  syscall.Errno
		result int
	}{
		{"no room on FUSE", syscall.ENOSPC, eFull},
		{"no quota left on FUSE", syscall.EDQUOT, eFull},
		{"input/output errors on FUSE", syscall.EIO, eIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			disk, tell := fuseDisk(t)
			s.buffer = disk.dir
			begin := func(*testing.T, string) { tell(fmt.Sprintf("fails %d", int(c.errno))) }
			end := func(*testing.T, string) { tell("works") }
			refuses(t, s, idleDriver(t, s), fault{c.name, begin, end, c.result, c.errno.Error()})
		})
	}
}

// refuses sends 20 profiles before the fault, 100 during it, and 20 after its end, when the files have been removed.
func refuses(t *testing.T, s scene, d *driver, c fault) {
	t.Helper()
	deadListener(t, s)
	d.configure(s.settings(nil))
	var all, late []string
	inBuffer, refused, worst := map[string]int{}, map[string]bool{}, time.Duration(0)
	for phase, count := range []int{20, 100, 20} {
		switch phase {
		case 1:
			c.begin(t, s.buffer)
		case 2:
			c.end(t, s.buffer)
			add(inBuffer, s.take(t))
		}
		d.load(fmt.Appendf(nil, `{"id":"%d ########","pad":"%s"}`, phase, strings.Repeat("x", 4000)))
		before := len(refused)
		for i, a := range d.sends(count, 0, "-") {
			id := fmt.Sprintf("%d %08d", phase, i)
			all, worst = append(all, id), max(worst, a.took)
			if a.result < 0 {
				refused[id] = true
			}
			if a.result == pending {
				late = append(late, id)
			}
			if !a.is(buffered) && (phase != 1 || a.result != c.result || !strings.Contains(a.text, c.says)) {
				t.Errorf("profile %s: %+v, want %d and %q", id, a, c.result, c.says)
			}
		}
		if phase == 1 && len(refused)-before < 20 {
			t.Errorf("only %d of %d were refused", len(refused)-before, count)
		}
	}
	d.settle()
	add(inBuffer, s.take(t))
	if left := s.debris(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	told := d.stats().Process.LostLater // on a busy machine, a call may end before the disk has refused its profile
	for _, id := range late {
		if inBuffer[id] == 0 && told > 0 {
			refused[id], told = true, told-1
		}
	}
	f := account(t, all, nil, inBuffer, refused)
	f.worst = worst
	f.report(t)
}

// The directory is removed again and again while it is in use. Each profile is in the directory that was there, or in
// the next one.
func TestDisk_DirectoryTakenAway(t *testing.T) {
	const count = 5000
	s := newScene(t)
	deadListener(t, s)
	d := startDriver(t, s)
	d.load(padded(1000))
	ended, moved := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-ended:
				moved <- n
				return
			case <-time.After(5 * time.Millisecond):
				os.Rename(s.buffer, fmt.Sprintf("%s.%d", s.buffer, n)) // if it is there
			}
		}
	}()
	answers := d.sends(count, 0, "-")
	close(ended)
	times := <-moved
	d.settle()
	inBuffer, directories := map[string]int{}, 0
	for n := range times + 1 {
		at := scene{buffer: fmt.Sprintf("%s.%d", s.buffer, n)}
		if n == times {
			at = s
		}
		found := at.take(t)
		directories += min(1, len(found))
		add(inBuffer, found)
	}
	t.Logf("%v, in %d directories", timesOf(answers), directories)
	if directories < 10 {
		t.Errorf("only %d directories", directories)
	}
	f := account(t, numbered(count), nil, inBuffer, refusals(answers))
	// A thread that runs late may find each time that it was removed.
	if f.refused > count/100 {
		t.Errorf("%d were refused", f.refused)
	}
	f.worst = timesOf(answers).worst()
	f.report(t)
}

// The limits of the buffer remove the oldest files, and only as many as necessary.
func TestDisk_Quota(t *testing.T) {
	const count = 500
	document := padded(1000)
	each := len(document)
	for _, c := range []struct {
		name  string
		limit map[string]any
		keeps int
	}{
		{"files", map[string]any{"buffer_max_files": 50}, 50},
		{"bytes", map[string]any{"buffer_max_bytes": 50 * each}, 50},
		{"bytes, one too few", map[string]any{"buffer_max_bytes": 50*each - 1}, 49},
		{"none", map[string]any{"buffer_max_files": 0, "buffer_max_bytes": 0}, count},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			d := idleDriver(t, s)
			d.configure(s.settings(c.limit))
			d.load(document)
			var f figures
			for _, a := range d.sends(count, flagToDisk|flagAsIs, "-") {
				f.want(t, a, buffered, "")
			}
			d.settle()
			inBuffer := ids(t, s.profiles(t)...)
			for _, id := range numbered(count)[count-c.keeps:] {
				if inBuffer[id] != 1 {
					t.Errorf("profile %s, one of the %d newest, is there %d times", id, c.keeps, inBuffer[id])
				}
			}
			if len(inBuffer) != c.keeps {
				t.Errorf("%d files, want %d", len(inBuffer), c.keeps)
			}
			f.report(t)
		})
	}
}
