package tests

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Results, as in transmit.h.
const (
	sent        = 0
	buffered    = 1
	pending     = 2
	eInval      = -1
	eNull       = -2
	eEmpty      = -3
	eSyntax     = -4
	eNotObject  = -5
	eDepth      = -6
	eUTF8       = -7
	eTooBig     = -8
	eForked     = -20
	eResource   = -21
	eStarting   = -22
	ePanic      = -23
	eBusy       = -40
	eNoDir      = -41
	eFull       = -42
	eIO         = -43
	eUnsent     = -60
	flagTrusted = 1
	flagAsIs    = 2
	flagToDisk  = 4
)

// driver is a C program with the library, which does what the test tells it.
type driver struct {
	*process
	scene scene
}

// answer is what one call returned, how long it took, and transmit_last_error.
type answer struct {
	result int
	took   time.Duration
	text   string
}

// is tells whether the result is the wanted one. A disk may be slow at any time:
// on its way there is as good as there.
func (a answer) is(want int) bool {
	return a.result == want || want == buffered && a.result == pending
}

// startDriver starts one, under another program if prefix names one, and leads
// the library to the scene.
func startDriver(t *testing.T, s scene, prefix ...string) *driver {
	t.Helper()
	d := idleDriver(t, s, prefix...)
	d.configure(s.settings(nil))
	return d
}

// idleDriver has not called the library yet.
func idleDriver(t *testing.T, s scene, prefix ...string) *driver {
	t.Helper()
	args := append(prefix, program(t, "driver"))
	return driverOf(t, s, exec.Command(args[0], args[1:]...))
}

func driverOf(t *testing.T, s scene, cmd *exec.Cmd) *driver {
	t.Helper()
	return &driver{process: start(t, 90*time.Second, cmd), scene: s}
}

func (d *driver) load(document []byte) {
	d.t.Helper()
	d.tell("load %s", d.scene.write(d.t, fmt.Sprintf("doc.%d", d.pid()), string(document)))
}

func (d *driver) answer() answer {
	d.t.Helper()
	return d.parse(d.line())
}

// rest are the answers that it still gave before it was killed.
func (d *driver) rest() (answers []answer) {
	d.t.Helper()
	for {
		line, err := d.lines.ReadString('\n')
		if err != nil { // a line without its end was not written whole
			return answers
		}
		answers = append(answers, d.parse(strings.TrimSuffix(line, "\n")))
	}
}

func (d *driver) parse(line string) answer {
	d.t.Helper()
	fields := strings.SplitN(line, " ", 3)
	if len(fields) != 3 {
		d.t.Fatalf("answer %q", line)
	}
	result, err := strconv.Atoi(fields[0])
	check(d.t, err)
	took, err := time.ParseDuration(fields[1] + "us")
	check(d.t, err)
	return answer{result: result, took: took, text: fields[2]}
}

// ask gives a command that has one answer.
func (d *driver) ask(format string, args ...any) answer {
	d.t.Helper()
	d.tell(format, args...)
	return d.answer()
}

// configure wants the settings to be taken. A very slow machine, as in emulation,
// starts the library in several calls.
func (d *driver) configure(settings string) {
	d.t.Helper()
	d.load([]byte(settings))
	a := d.ask("configure")
	for try := 0; a.result == eStarting && try < 20; try++ { // a busy machine
		a = d.ask("configure")
	}
	if a.result != 0 {
		d.t.Fatalf("configure %s: %+v", settings, a)
	}
}

// send sends one document to the configured listener.
func (d *driver) send(document []byte) answer {
	d.t.Helper()
	d.load(document)
	return d.ask("plain")
}

// sends sends the loaded document count times.
func (d *driver) sends(count int, flags uint32, path string) []answer {
	d.t.Helper()
	answers := make([]answer, count)
	d.tell("send %d %d 0 %s", count, flags, path)
	for i := range answers {
		answers[i] = d.answer()
	}
	return answers
}

// settle waits until what was on its way to the disk is there.
func (d *driver) settle() {
	d.t.Helper()
	if a := d.ask("flush 5000000"); a.result != buffered {
		d.t.Errorf("flush: %+v", a)
	}
}

// text is what transmit_strerror says.
func (d *driver) text(result string) string {
	d.t.Helper()
	d.tell("text %s", result)
	return d.line()
}
