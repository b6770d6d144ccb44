package tests

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is a user without other processes, so that its limits count only the test's.
const nobody = 61234

// process is a child of the test, with its output line by line.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Reader
	errors bytes.Buffer
	done   chan struct{}
}

// start starts a program that ends at the latest with the test, or when its time
// is up: then it is killed, with all that it has started.
func start(t *testing.T, limit time.Duration, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, done: make(chan struct{})}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.Stderr = &p.errors
	stdin, err := cmd.StdinPipe()
	check(t, err)
	// Not StdoutPipe: Wait would close it while lines are still being read.
	reading, writing, err := os.Pipe()
	check(t, err)
	cmd.Stdout = writing
	p.stdin, p.lines = stdin, bufio.NewReader(reading)
	err = cmd.Start()
	writing.Close()
	check(t, err)
	go func() { cmd.Wait(); close(p.done) }()
	timer := time.AfterFunc(limit, func() { p.signalGroup(syscall.SIGKILL) })
	t.Cleanup(func() {
		timer.Stop()
		p.signalGroup(syscall.SIGKILL)
		<-p.done
		reading.Close()
	})
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func ended(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) signalGroup(signal syscall.Signal) { syscall.Kill(-p.pid(), signal) }

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	check(p.t, p.cmd.Process.Signal(signal))
}

// kill ends it as a crash would.
func (p *process) kill() {
	p.signalGroup(syscall.SIGKILL)
	<-p.done
}

// line is its next line of output.
func (p *process) line() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		<-p.done
		p.t.Fatalf("%s ended: %v, %s", p.cmd.Path, p.cmd.ProcessState, p.errors.String())
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) tell(format string, args ...any) {
	p.t.Helper()
	_, err := fmt.Fprintf(p.stdin, format+"\n", args...)
	check(p.t, err)
}

// exit ends its input and waits for its end.
func (p *process) exit() {
	p.t.Helper()
	p.stdin.Close()
	<-p.done
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("%s: %v, %s", p.cmd.Path, p.cmd.ProcessState, p.errors.String())
	}
}

// outcome is how a program ended.
type outcome struct {
	state  *os.ProcessState
	out    string
	errors string
}

// run runs a program to its end, and kills it when its time is up, which fails the test.
func run(t *testing.T, limit time.Duration, cmd *exec.Cmd) outcome {
	t.Helper()
	p := start(t, limit, cmd)
	p.stdin.Close()
	began := time.Now()
	out, _ := io.ReadAll(p.lines)
	<-p.done
	if time.Since(began) >= limit {
		t.Fatalf("%v hung: killed after %v; it said %s %s", cmd.Args, limit, out, p.errors.String())
	}
	return outcome{state: cmd.ProcessState, out: string(out), errors: p.errors.String()}
}

// succeed runs a program that must exit with 0, and returns its output.
func succeed(t *testing.T, limit time.Duration, cmd *exec.Cmd) string {
	t.Helper()
	o := run(t, limit, cmd)
	if !o.state.Success() {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, o.state, o.out, o.errors)
	}
	return o.out
}

// as makes the program run as another user; only root can.
func as(uid uint32, cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// php is a script of php/scripts, led to the scene. No version of PHP may have
// anything to say about our files.
func php(t *testing.T, s scene, script string, args ...string) *exec.Cmd {
	t.Helper()
	options := []string{"-d", "ffi.enable=true", "-d", "error_reporting=-1", "-d", "error_log=" + s.dir + "/php.log",
		stage + "/tests/php/scripts/" + script}
	cmd := exec.Command(need(t, "php", "php-cli"), append(options, args...)...)
	cmd.Env = append(os.Environ(), s.environment()...)
	t.Cleanup(func() {
		log, _ := os.ReadFile(s.dir + "/php.log")
		if found := phpComplains.Find(log); found != nil {
			t.Errorf("PHP's log: %s", found)
		}
	})
	return cmd
}

var phpComplains = regexp.MustCompile(`PHP (Warning|Notice|Deprecated|Strict).*`)

func uidOf(t *testing.T, name string) uint32 {
	t.Helper()
	found, err := user.Lookup(name)
	check(t, err)
	uid, err := strconv.Atoi(found.Uid)
	check(t, err)
	return uint32(uid)
}

// until waits for something to come true.
func until(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, limit)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// threads are the thread ids of a process; none if it has ended.
func threads(t *testing.T, pid int) []string {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	tids := make([]string, len(entries))
	for i, entry := range entries {
		tids[i] = entry.Name()
	}
	return tids
}

// blocked tells whether a thread blocks a signal; ok is false if it has ended.
func blocked(pid int, tid string, signal syscall.Signal) (is, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, tid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false, false
	}
	_, rest, _ := strings.Cut(string(status), "SigBlk:\t")
	mask, err := strconv.ParseUint(rest[:16], 16, 64)
	return mask&(1<<(signal-1)) != 0, err == nil
}
