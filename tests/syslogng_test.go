package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

const syslogngConf = `@version: current
options { log-msg-size(262144); };
source s { unix-dgram("%[1]s" flags(no-parse)); };
destination d { file("%[2]s/received" template("${MESSAGE}\n")); };
log { source(s); destination(d); };
`

// startSyslogNG starts a listener that is not ours.
func startSyslogNG(t *testing.T, s scene) *process {
	t.Helper()
	binary := need(t, "syslog-ng", "syslog-ng-core")
	os.Remove(s.socket)
	conf := s.write(t, "syslog-ng.conf", fmt.Sprintf(syslogngConf, s.socket, s.dir))
	p := start(t, 60*time.Second, exec.Command(binary, "-F", "--no-caps", "-f", conf,
		"-R", s.dir+"/persist", "-p", s.dir+"/pid", "-c", s.dir+"/control"))
	until(t, 20*time.Second, "syslog-ng listens", func() bool {
		_, err := os.Stat(s.socket)
		return err == nil || ended(p)
	})
	if ended(p) {
		t.Fatalf("syslog-ng: %v %s", p.cmd.ProcessState, p.errors.String())
	}
	return p
}

// received are the lines that syslog-ng has written, each of them a profile.
func (s scene) received() [][]byte {
	text, err := os.ReadFile(s.dir + "/received")
	if err != nil || len(text) == 0 {
		return nil
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// P1, P3, P10 with a daemon that many sites run. Its queue may be full at times.
func TestSyslogNG(t *testing.T) {
	s := newScene(t)
	daemon := startSyslogNG(t, s)
	d := startDriver(t, s)

	d.load(padded(2000))
	arrive := 0
	for i, a := range d.sends(1000, 0, "-") {
		if a.result == sent {
			arrive++
		} else if !a.is(buffered) {
			t.Errorf("send %d: %+v", i, a)
		}
	}
	d.settle()
	until(t, 10*time.Second, "profiles at syslog-ng", func() bool { return len(s.received()) == arrive })
	eachOnce(t, ids(t, append(s.received(), s.profiles(t)...)...), 1000)
	t.Logf("%d of 1000 at syslog-ng", arrive)
	if arrive < 900 {
		t.Errorf("only %d of 1000 went to syslog-ng", arrive)
	}

	daemon.kill()
	before := len(s.profiles(t))
	d.load(padded(2000))
	for i, a := range d.sends(10, 0, "-") {
		if !a.is(buffered) {
			t.Errorf("send %d after it was killed: %+v", i, a)
		}
	}
	d.settle()
	if n := len(s.profiles(t)); n != before+10 {
		t.Errorf("%d files more, want 10", n-before)
	}

	startSyslogNG(t, s)
	if a := d.send([]byte(`{"id":"next"}`)); a.result != sent {
		t.Errorf("after it was restarted: %+v", a)
	}
	until(t, 10*time.Second, "the next profile", func() bool {
		lines := s.received()
		return len(lines) == arrive+1 && bytes.Contains(lines[arrive], []byte(`"next"`))
	})
}
