package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// owners are the users whose profiles are in a directory, each of which only its owner may read.
func owners(t *testing.T, dir string) map[uint32]int {
	t.Helper()
	count := map[uint32]int{}
	found, err := filepath.Glob(dir + "/*")
	check(t, err)
	for _, path := range found {
		info, err := os.Lstat(path)
		check(t, err)
		if info.IsDir() && info.Mode() != os.ModeDir|0o700 || !info.IsDir() && info.Mode() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if strings.HasPrefix(info.Name(), "profile_") { // plain PHP keeps a stamp there, too
			count[info.Sys().(*syscall.Stat_t).Uid]++
		}
	}
	return count
}

// The host changes its user between calls: all threads change it, a directory is chosen again, and the result names it.
func TestIdentity_AnotherUser(t *testing.T) {
	needRoot(t)
	for _, verb := range []string{"seteuid", "setuid"} {
		t.Run(verb, func(t *testing.T) {
			s := newScene(t)
			own := s.dir + "/own"
			l := listen(t, s.socket)
			d := startDriver(t, s)
			var f figures
			write := func(want int, says string) {
				t.Helper()
				d.load(padded(100))
				f.want(t, d.sends(1, 0, "-")[0], sent, "")
				a := d.sends(1, flagToDisk, "-")[0]
				f.want(t, a, want, says)
				if want == buffered && !strings.Contains(a.text, says) {
					t.Errorf("%+v, want %q", a, says)
				}
			}
			write(buffered, s.buffer)
			d.ask("%s %d", verb, nobody)
			write(eNoDir, s.buffer+": permission denied")
			for _, tid := range threads(t, d.pid()) {
				status := read(t, fmt.Sprintf("/proc/%d/task/%s/status", d.pid(), tid))
				if !regexp.MustCompile(`Uid:\s+\d+\s+` + fmt.Sprint(nobody)).MatchString(status) {
					t.Errorf("thread %s is still another user's", tid)
				}
			}
			d.configure(s.settings(map[string]any{"buffer_dirs": []string{s.buffer, own}}))
			write(buffered, own)
			if verb == "seteuid" {
				d.ask("seteuid 0")
				write(buffered, s.buffer)
			}
			l.await(f.sent)
			d.settle()
			roots, others := owners(t, s.buffer), owners(t, own)
			if len(roots) != 1 || len(others) != 1 || roots[0]+others[nobody] != f.buffered {
				t.Errorf("owners: %v, %v; %+v", roots, others, f)
			}
			f.report(t)
		})
	}
}

func TestIdentity_AnotherUserInPHP(t *testing.T) {
	needRoot(t)
	for _, face := range faces {
		t.Run(face.name, func(t *testing.T) {
			s := newScene(t)
			open := scene{buffer: s.dir + "/open"}
			check(t, folder(open.buffer, 0o777|os.ModeSticky))
			cmd := php(t, s, "other_user.php", fmt.Sprint(nobody))
			cmd.Env = append(cmd.Env, fmt.Sprintf(`TEST_SETTINGS={"buffer_dirs":["%s","%s"],%s`, s.buffer, open.buffer, face.settings[1:]))
			if out := succeed(t, 20*time.Second, cmd); out != "written\nwritten\nwritten\n" {
				t.Errorf("%s%s", out, logOf(s))
			}
			inBuffer := ids(t, append(s.profiles(t), open.profiles(t)...)...)
			if roots, others := owners(t, s.buffer), owners(t, open.buffer); roots[nobody] != 0 || others[nobody] != 1 {
				t.Errorf("owners: %v, %v", roots, others)
			}
			account(t, []string{"0", "1", "2"}, nil, inBuffer, nil).report(t)
		})
	}
}

// The host changes its user while the library's own threads work.
func TestIdentity_BackAndForth(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	other := s.dir + "/other"
	check(t, os.Mkdir(s.buffer, 0o755))
	check(t, os.Mkdir(other, 0o755))
	check(t, os.Chown(other, nobody, nobody))
	d := startDriver(t, s)
	d.configure(s.settings(map[string]any{"buffer_dirs": []string{s.buffer, other}}))
	d.load(padded(100))
	a := d.ask("users %d 2000", nobody)
	d.settle()
	all := make([]string, 2000)
	for i := range all {
		all[i] = fmt.Sprintf("%08d", i)
	}
	inBuffer := ids(t, s.profiles(t)...)
	for id, n := range ids(t, scene{buffer: other}.profiles(t)...) {
		inBuffer[id] += n
	}
	t.Logf("owners: %v, %v", owners(t, s.buffer), owners(t, other))
	// The directory of one user is not the other's: a write that changes hands midway may
	// be refused. How many, the sender was told.
	refused := map[string]bool{}
	for _, id := range all {
		if inBuffer[id] == 0 && len(refused) < a.result {
			refused[id] = true
		}
	}
	f := account(t, all, nil, inBuffer, refused)
	if f.refused != a.result || f.refused > len(all)/4 {
		t.Errorf("%d are not there, %d were refused", f.refused, a.result)
	}
	f.report(t)
}

// After chroot(2), the socket is the old one, and the directory is in the new root.
func TestIdentity_AnotherRoot(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	jail := s.dir + "/jail"
	check(t, os.Mkdir(jail, 0o755))
	l := listen(t, s.socket)
	d := startDriver(t, s)
	var f figures
	d.load(padded(100))
	f.want(t, d.sends(1, 0, "-")[0], sent, "")
	f.want(t, d.sends(1, flagToDisk, "-")[0], buffered, "")
	if a := d.ask("chroot %s", jail); a.result != 0 {
		t.Fatal("chroot")
	}
	f.want(t, d.sends(1, 0, "-")[0], sent, "")
	f.want(t, d.sends(1, flagToDisk, "-")[0], buffered, "")
	l.await(2)
	l.close()
	a := d.sends(1, 0, "-")[0]
	f.want(t, a, buffered, "")
	if !strings.Contains(a.text, "no such file") {
		t.Errorf("nobody listens in there: %+v", a)
	}
	d.settle()
	outside, inside := s.profiles(t), scene{buffer: jail + s.buffer}.profiles(t)
	if len(outside) != 1 || len(inside) != 2 {
		t.Errorf("%d files outside, %d inside", len(outside), len(inside))
	}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", d.pid()))
	check(t, err)
	for _, link := range links {
		if target, _ := os.Readlink(link); target == s.buffer {
			t.Errorf("%s is still %s", link, target)
		}
	}
	f.report(t)
}

// After setrlimit(2), a profile that is over the limit is refused, and the host lives.
func TestIdentity_OtherLimits(t *testing.T) {
	for _, c := range []struct {
		limit string
		value func(d *driver) int
		large int // the result of 100 KB for the disk
		says  string
	}{
		{"fsize", fixed(10_000), eIO, "file too large"}, // with a SIGXFSZ
		{"data", func(d *driver) int { return d.status("VmData") << 10 }, eResource, "out of memory"},
		{"stack", fixed(64 << 10), buffered, ""},
	} {
		t.Run(c.limit, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			d := startDriver(t, s)
			small, large := s.write(t, "small", string(padded(100))), s.write(t, "large", string(padded(100_000)))
			var f figures
			for range 2 { // before and after
				d.tell("load %s", small)
				f.want(t, d.sends(1, 0, "-")[0], sent, "")
				f.want(t, d.sends(1, flagToDisk, "-")[0], buffered, "")
				d.tell("load %s", large)
				if a := d.ask("limit %s %d", c.limit, c.value(d)); a.result != 0 {
					t.Fatalf("limit: %+v", a)
				}
			}
			f.want(t, d.sends(1, flagToDisk, "-")[0], c.large, c.says)
			d.tell("load %s", small)
			for _, a := range d.sends(100, flagToDisk, "-") {
				f.want(t, a, buffered, "")
			}
			d.settle()
			l.await(f.sent)
			if n := len(s.profiles(t)); n != f.buffered {
				t.Errorf("%d files, want %d", n, f.buffered)
			}
			f.report(t)
		})
	}
}
