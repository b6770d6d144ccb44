package tests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// miss sends so many profiles without a listener, and returns their ids.
func miss(t *testing.T, d *driver, prefix string, count int) (ids []string) {
	t.Helper()
	d.load([]byte(`{"id":"` + prefix + `########"}`))
	for i, a := range d.sends(count, 0, "-") {
		if !a.is(buffered) {
			t.Fatalf("send %d: %+v", i, a)
		}
		ids = append(ids, fmt.Sprintf("%s%08d", prefix, i))
	}
	d.settle()
	return ids
}

// named are the paths of the files in the buffer with such a name.
func (s scene) named(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(s.buffer + "/" + pattern)
	check(t, err)
	return found
}

// Profiles that no listener took arrive by a replay, each once.
func TestReplay_IdsInAreIdsOut(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	wanted := miss(t, d, "p", 3000)
	a := d.ask("replay 0 0")
	for try := 0; try < 10 && strings.Contains(a.text, "time is up"); try++ { // a busy machine
		a = d.ask("replay 0 0")
	}
	if a.result != 0 || !strings.Contains(a.text, "no such file") {
		t.Errorf("nobody there: %+v", a)
	}
	l := listen(t, s.socket)
	total, f := 0, figures{}
	for calls := 0; total < len(wanted) && calls < 1000; calls++ {
		a := d.ask("replay 500 50000")
		if a.result < 0 || a.result > 500 {
			t.Fatalf("%+v", a)
		}
		total, f.worst = total+a.result, max(f.worst, a.took)
	}
	if a := d.ask("replay 0 50000"); a.result != 0 || a.text != "" {
		t.Errorf("nothing left: %+v", a)
	}
	l.await(len(wanted))
	worst := f.worst
	f = account(t, wanted, ids(t, l.all()...), ids(t, s.profiles(t)...), nil)
	f.worst = worst
	f.report(t)
	if f.sent != len(wanted) || f.worst > 75*time.Millisecond {
		t.Errorf("%d of %d arrived; the longest call took %v", f.sent, len(wanted), f.worst)
	}
}

func TestReplay_Refused(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.configure(s.settings(map[string]any{"buffer_dirs": []string{"/proc/none"}}))
	if a := d.ask("replay 0 0"); a.result != eNoDir || !strings.Contains(a.text, "/proc/none") {
		t.Errorf("%+v", a)
	}
}

// Two processes replay and are killed at any moment, while a reader takes files from the directory. Nothing is lost,
// and each kill causes at most one duplicate.
func TestReplay_KilledAtAnyMoment(t *testing.T) {
	const seed = 8
	random := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t)
	wanted := miss(t, startDriver(t, s), "p", 8000)
	l := listen(t, s.socket)
	reader := readDirectory(t, s)
	kills := 0
	for ; kills < 60 && len(s.named(t, "profile_*")) > 0; kills += 2 {
		var both [2]*driver
		for i := range both {
			both[i] = startDriver(t, s)
			both[i].tell("replay 0 10000000")
		}
		time.Sleep(time.Duration(2000+random.IntN(25_000)) * time.Microsecond)
		for _, d := range both {
			d.kill()
		}
	}
	last := startDriver(t, s)
	until(t, 30*time.Second, "all is replayed", func() bool {
		a := last.ask("replay 0 1000000")
		return a.result == 0 && a.text == ""
	})
	read := reader()
	if left := s.named(t, "*profile_*"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	until(t, 5*time.Second, "the last ones", func() bool {
		return len(ids(t, l.all()...))+len(read) >= len(wanted)
	})
	got := ids(t, l.all()...)
	twice := 0
	for id, n := range got {
		twice += n - 1 + read[id]
		got[id] = 1
		delete(read, id)
	}
	t.Logf("%d by datagram, %d by the reader, %d kills, %d twice", len(got), len(read), kills, twice)
	if kills < 20 || twice > kills || len(read) == 0 {
		t.Errorf("%d twice after %d kills; %d by the reader", twice, kills, len(read))
	}
	account(t, wanted, got, read, nil).report(t)
}

// readDirectory is a listener that watches the directory, as README wants it: it
// renames a file before it takes it. The result ends it, and returns the ids.
func readDirectory(t *testing.T, s scene) (end func() map[string]int) {
	t.Helper()
	done, taken := make(chan struct{}), [][]byte{}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(3 * time.Millisecond):
			}
			found, _ := filepath.Glob(s.buffer + "/profile_*.json")
			for _, path := range found[:min(len(found), 3)] {
				own := s.dir + "/" + filepath.Base(path)
				if os.Rename(path, own) != nil {
					continue // somebody else has it
				}
				text, err := os.ReadFile(own)
				if err != nil {
					t.Error(err)
				}
				taken = append(taken, text)
				os.Remove(own)
			}
		}
	})
	return func() map[string]int {
		close(done)
		running.Wait()
		return ids(t, taken...)
	}
}

// The listener is wedged: the replay returns within its budget, and delays no send.
func TestReplay_Wedged(t *testing.T) {
	s := newScene(t)
	s.buffer = inMemory(t)
	d, other := startDriver(t, s), startDriver(t, s)
	miss(t, d, "p", 200)
	p := daemon(t, s.socket)
	wedge(t, p)
	total := 0
	for range 5 {
		a := d.ask("replay 0 50000")
		if a.result < 0 || a.text == "" || a.took > 75*time.Millisecond {
			t.Errorf("%+v", a)
		}
		total += a.result
	}
	if total != 1 {
		t.Errorf("%d of its datagrams are in the queue", total)
	}
	other.load(padded(1000))
	queued := 0
	for _, a := range other.sends(100, 0, "-") {
		if a.result == sent {
			queued++
		}
		if a.took > 75*time.Millisecond {
			t.Errorf("%+v", a)
		}
	}
	if queued < 3 {
		t.Errorf("the queue had room for %d of the callers'", queued)
	}
	if n := len(s.named(t, "profile_*")); n < 199 {
		t.Errorf("%d files", n)
	}
}

// senders is a listener that knows the process that each datagram came from.
type senders struct {
	mu   sync.Mutex
	pids map[string]int32 // by id
}

func listenForSenders(t *testing.T, path string) *senders {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	check(t, err)
	check(t, os.Chmod(path, 0o777))
	raw, err := conn.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	}))
	check(t, err)
	got := &senders{pids: map[string]int32{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		text, control := make([]byte, 1<<20), make([]byte, 256)
		for {
			n, size, _, _, err := conn.ReadMsgUnix(text, control)
			if err != nil {
				return
			}
			messages, _ := unix.ParseSocketControlMessage(control[:size])
			credentials, err := unix.ParseUnixCredentials(&messages[0])
			if err == nil {
				got.add(idPattern.FindSubmatch(text[:n]), credentials.Pid)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return got
}

func (s *senders) add(id [][]byte, pid int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != nil {
		s.pids[string(id[1])] = pid
	}
}

func (s *senders) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pids)
}

// With "auto", exactly one of four processes replays, and it sends the profiles of all of them.
func TestReplay_AutoInOneOfFour(t *testing.T) {
	s := newScene(t)
	drivers := map[string]*driver{}
	for _, name := range []string{"a", "b", "c", "d"} {
		drivers[name] = startDriver(t, s)
		drivers[name].configure(s.settings(map[string]any{"replay": "auto"}))
		miss(t, drivers[name], name, 250)
	}
	got := listenForSenders(t, s.socket)
	for name, d := range drivers {
		if a := d.send([]byte(`{"id":"live-` + name + `"}`)); a.result != sent {
			t.Errorf("%+v", a)
		}
	}
	until(t, 20*time.Second, "1004 profiles", func() bool { return got.count() == 1004 })
	replayers := map[int32]bool{}
	for id, pid := range got.pids {
		if !strings.HasPrefix(id, "live-") {
			replayers[pid] = true
		}
	}
	if len(replayers) != 1 {
		t.Errorf("%d processes replayed", len(replayers))
	}
	if left := s.named(t, "*profile_*"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// The process that replays is killed: another one continues, at its next send.
func TestReplay_AutoIsTakenOver(t *testing.T) {
	s := newScene(t)
	first, second := startDriver(t, s), startDriver(t, s)
	wanted := miss(t, first, "p", 2000)
	for _, d := range []*driver{first, second} {
		d.configure(s.settings(map[string]any{"replay": "auto"}))
	}
	l := listen(t, s.socket)
	first.send([]byte(`{"id":"live-1"}`))
	until(t, 10*time.Second, "it replays", func() bool { return len(l.all()) > 100 })
	second.send([]byte(`{"id":"live-2"}`))
	first.kill()
	n := 0
	until(t, 30*time.Second, "all is replayed", func() bool {
		n++
		second.send([]byte(`{"id":"live-` + strconv.Itoa(n+2) + `"}`))
		time.Sleep(20 * time.Millisecond)
		return len(s.named(t, "profile_*")) == 0 && len(s.named(t, ".transmit-sending-*")) == 0
	})
	got := ids(t, l.all()...)
	twice := 0
	for id, count := range got {
		twice += count - 1
		got[id] = 1
	}
	maps.DeleteFunc(got, func(id string, _ int) bool { return strings.HasPrefix(id, "live-") })
	if twice > 1 {
		t.Errorf("%d are there twice", twice)
	}
	account(t, wanted, got, nil, nil).report(t)
}

// A program ends while it replays in the background: each profile is there once.
func TestReplay_AutoInShortProcesses(t *testing.T) {
	s := newScene(t)
	wanted := miss(t, startDriver(t, s), "p", 500)
	l := listen(t, s.socket)
	processes := 0
	for ; processes < 60 && len(s.named(t, "profile_*")) > 0; processes++ {
		d := startDriver(t, s)
		d.configure(s.settings(map[string]any{"replay": "auto"}))
		d.send([]byte(`{"id":"live"}`))
		time.Sleep(time.Duration(5+processes) * time.Millisecond)
		d.exit()
	}
	got := ids(t, l.all()...)
	delete(got, "live")
	t.Logf("%d processes", processes)
	if processes < 3 {
		t.Errorf("it took only %d processes", processes)
	}
	account(t, wanted, got, ids(t, s.profiles(t)...), nil).report(t)
}

// Other users have put files into a directory in which every user may write.
func TestReplay_ForeignFiles(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	check(t, os.Mkdir(s.buffer, 0o777))
	check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
	name := func(i int) string { return fmt.Sprintf("%s/profile_20250101_000000_%08x.json", s.buffer, i) }
	check(t, os.WriteFile(name(1), []byte(`{"id":"root"}`), 0o644)) // readable, and not this user's
	check(t, os.Symlink("/etc/passwd", name(2)))
	check(t, unix.Mkfifo(name(3), 0o666))
	check(t, os.Chmod(name(3), 0o666))
	check(t, os.Mkdir(name(4), 0o777))
	check(t, os.WriteFile(name(5), nil, 0o600))
	check(t, os.Chown(name(5), nobody, nobody))
	d := driverOf(t, s, as(nobody, exec.Command(program(t, "driver"))))
	d.configure(s.settings(nil))
	miss(t, d, "mine", 3)
	l := listen(t, s.socket)
	if a := d.ask("replay 0 500000"); a.result != 3 || a.text != "" {
		t.Errorf("%+v", a)
	}
	eachOnce(t, ids(t, l.await(3)...), 3)
	left := s.named(t, "*profile_*")
	want := []string{s.buffer + "/bad_" + filepath.Base(name(5)), name(1), name(2), name(3), name(4)}
	if !slices.Equal(left, want) {
		t.Errorf("left: %q", left)
	}
}

// php-fpm with replay = auto: 300 profiles that found no listener arrive after the first one that does.
func TestFPM_ReplaysByItself(t *testing.T) {
	for _, r := range []recipe{recipes[0], recipes[2]} {
		t.Run(r.name, func(t *testing.T) {
			s := newScene(t)
			t.Setenv("TEST_SETTINGS", `{"replay":"auto"}`)
			f := startFPM(t, s, r, prepend())
			f.fetchAll("work.php", 0, 300)
			until(t, 5*time.Second, "300 files", func() bool { return len(s.profiles(t)) == 300 })
			l := listen(t, s.socket)
			f.fetchAll("work.php", 300, 310)
			until(t, 10*time.Second, "310 profiles", func() bool { return len(l.all()) >= 310 })
			eachOnce(t, ids(t, l.all()...), 310)
			until(t, 5*time.Second, "an empty buffer", func() bool { return len(s.named(t, "*profile_*")) == 0 })
			var wanted []string
			for i := range 310 {
				wanted = append(wanted, fmt.Sprintf("r%d", i))
			}
			account(t, wanted, ids(t, l.all()...), nil, nil).report(t)
		})
	}
}
