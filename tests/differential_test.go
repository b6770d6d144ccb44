package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	documents = 200
	limit     = 65507
)

// expectation is what the oracle (php/oracle.php) says about one document.
type expectation struct {
	JSON  *string  // as a C program sends it
	Whole string   // without _meta
	Cut   string   // the same, shrunk
	Marks []string // of the cuts
}

func askOracle(t *testing.T, args ...string) []expectation {
	t.Helper()
	cmd := exec.Command(need(t, "php", "php-cli"), append([]string{stage + "/tests/php/oracle.php"}, args...)...)
	all := make([]expectation, 0, documents)
	for line := range strings.Lines(succeed(t, 60*time.Second, cmd)) {
		var e expectation
		check(t, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	if len(all) != documents {
		t.Fatalf("the oracle knows %d documents", len(all))
	}
	return all
}

// meta is the member that the library adds, in all its forms.
var meta = regexp.MustCompile(`,?"_meta":\{"timestamp":\d+(?:\.\d+)?(,"php_version":"[^"]+")?` +
	`,"transmitter_version":"1.0"(,"id":"[0-9a-f]{16}")?(,"truncated":true)?(,"sql_truncated":true)?\}`)

// arrival is one document as it came out.
type arrival struct {
	rest    string // without _meta
	marks   []string
	php     bool // php_version is there
	id      bool // so is an id
	file    bool
	addedBy int // bytes of _meta without marks
}

// idBytes is what the library's id adds, which the reference has not.
const idBytes = len(`,"id":"0123456789abcdef"`)

// size is that of the whole document, as it came out.
func (a arrival) size() int {
	size := len(a.rest) + a.addedBy
	for _, mark := range a.marks {
		size += len(`,"":true`) + len(mark)
	}
	return size
}

func parse(t *testing.T, text []byte, file bool) arrival {
	t.Helper()
	found := meta.FindSubmatchIndex(text)
	if found == nil {
		t.Fatalf("no _meta in %.300s…%.300s", text, text[max(0, len(text)-300):])
	}
	a := arrival{php: found[2] >= 0, id: found[4] >= 0, file: file, addedBy: found[1] - found[0]}
	for group, mark := range map[int]string{3: "truncated", 4: "sql_truncated"} {
		if found[2*group] >= 0 {
			a.marks = append(a.marks, mark)
			a.addedBy -= found[2*group+1] - found[2*group]
		}
	}
	slices.Sort(a.marks)
	a.rest = string(text[:found[0]]) + string(text[found[1]:])
	return a
}

// arrivals are all documents, each of which must have come out once.
func arrivals(t *testing.T, s scene, l *listener) map[string]arrival {
	t.Helper()
	all := map[string]arrival{}
	add := func(texts [][]byte, file bool) {
		for _, text := range texts {
			id := string(idPattern.FindSubmatch(text)[1])
			if _, twice := all[id]; twice {
				t.Errorf("%s came out twice", id)
			}
			all[id] = parse(t, text, file)
		}
	}
	add(s.profiles(t), true)
	if l != nil {
		add(l.all(), false)
	}
	return all
}

// compare tells how an arrival differs from what the oracle expects; "" if it does not.
func (e expectation) compare(a arrival, listening bool) string {
	var marks []string
	rest := e.Whole
	file := !listening
	if len(e.Whole)+a.addedBy > limit {
		rest, marks = e.Cut, slices.Sorted(slices.Values(e.Marks))
		size := len(e.Cut) + a.addedBy
		for _, mark := range marks {
			size += len(`,"":true`) + len(mark)
		}
		file = file || size > limit
	}
	switch {
	case a.rest != rest:
		return difference(a.rest, rest)
	case !slices.Equal(a.marks, marks):
		return fmt.Sprintf("its marks are %v, want %v", a.marks, marks)
	case a.file != file:
		return fmt.Sprintf("it is in the buffer: %v, want %v", a.file, file)
	}
	return ""
}

func difference(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("from byte %d of %d it is\n%.150q, want (of %d)\n%.150q", at, len(got), got[from:], len(want), want[from:])
}

// way is one of the roads that lead the documents through.
type way struct {
	name   string
	oracle []string // its arguments
	php    bool     // php_version is in _meta
	send   func(t *testing.T, s scene, all []expectation)
}

var ways = []way{
	{"reference", []string{"reference"}, true, throughReference},
	{"native", nil, true, func(t *testing.T, s scene, _ []expectation) {
		throughPHP(t, s, stage+"/php/transmitter.php", patient)
	}},
	{"plain PHP", nil, true, func(t *testing.T, s scene, _ []expectation) {
		throughPHP(t, s, stage+"/php/transmitter.php", `{"library":"",`+patient[1:])
	}},
	{"C", nil, false, throughC},
}

// patient is for a busy machine, on which the time for the encoding, or for the cuts, may be up.
const patient = `{"timeout_us":5000000}`

func throughPHP(t *testing.T, s scene, transmitter, settings string) {
	t.Helper()
	cmd := php(t, s, "differential.php", transmitter)
	cmd.Env = append(cmd.Env, "TEST_SETTINGS="+settings, "LISTENER_SOCKET="+s.socket)
	succeed(t, 60*time.Second, cmd)
}

// throughReference runs the pure-PHP transmitter that the library replaces, if it is beside the repository, with another
// buffer directory.
func throughReference(t *testing.T, s scene, _ []expectation) {
	t.Helper()
	reference := filepath.Join(root, "../shared/reference")
	if _, err := os.Stat(reference); err != nil {
		t.Skip("no reference at ../shared/reference: the oracle stands in for it")
	}
	check(t, os.Mkdir(s.dir+"/reference", 0o755))
	s.write(t, "reference/config.php", read(t, reference+"/config.php"))
	text := read(t, reference+"/transmitter.php")
	moved := strings.ReplaceAll(text, "/var/lib/bitville-apm/buffer", s.buffer)
	if moved == text {
		t.Fatal("the reference has another buffer directory")
	}
	throughPHP(t, s, s.write(t, "reference/transmitter.php", moved), "{}")
}

// throughC sends what has no binary strings, for which JSON has no spelling.
func throughC(t *testing.T, s scene, all []expectation) {
	t.Helper()
	d := startDriver(t, s)
	d.configure(patient)
	for n, e := range all {
		if e.JSON == nil {
			continue
		}
		if a := d.send([]byte(*e.JSON)); a.result != sent && !a.is(buffered) {
			t.Errorf("doc%d: %+v", n, a)
		}
	}
	d.settle()
}

// The reference and this library get the same 200 generated documents and must put the same JSON into the datagram and
// into the file. Here even the bytes are the same, apart from _meta, which is checked separately.
func TestDifferential(t *testing.T) {
	came := map[string]map[string]arrival{}
	for _, w := range ways {
		for _, listening := range []bool{true, false} {
			name := fmt.Sprintf("%s, listener: %v", w.name, listening)
			t.Run(name, func(t *testing.T) {
				all := askOracle(t, w.oracle...)
				s := newScene(t)
				var l *listener
				if listening {
					l = listen(t, s.socket)
				}
				w.send(t, s, all)
				came[name] = arrivals(t, s, l)
				w.judge(t, all, came[name], listening)
			})
		}
	}
	for _, listening := range []bool{true, false} {
		agree(t, came[fmt.Sprintf("reference, listener: %v", listening)], came[fmt.Sprintf("native, listener: %v", listening)])
	}
}

func (w way) judge(t *testing.T, all []expectation, came map[string]arrival, listening bool) {
	t.Helper()
	files, cuts, lost := 0, 0, 0
	for n, e := range all {
		a, found := came[fmt.Sprintf("doc%d", n)]
		switch {
		case !found && e.JSON == nil && !w.php:
			continue
		case !found:
			t.Errorf("doc%d is lost", n)
			lost++
		case a.php != w.php:
			t.Errorf("doc%d: php_version in _meta: %v", n, a.php)
		case a.id == (w.name == "reference"): // the reference has no id, the library adds one
			t.Errorf("doc%d: id in _meta: %v", n, a.id)
		default:
			if wrong := e.compare(a, listening); wrong != "" {
				t.Errorf("doc%d: %s", n, wrong)
			}
		}
		if a.file {
			files++
		}
		if len(a.marks) > 0 {
			cuts++
		}
	}
	t.Logf("%d documents, %d in files, %d cut", len(came), files, cuts)
	figures{sent: len(came) - files, buffered: files, lost: lost}.report(t)
	if cuts < 30 || files < 15 {
		t.Errorf("only %d cut, only %d in files: the documents prove nothing", cuts, files)
	}
}

// agree compares the reference with the library directly, except where a binary string made the reference write null.
func agree(t *testing.T, reference, library map[string]arrival) {
	t.Helper()
	if reference == nil {
		return // it is not there
	}
	same := 0
	for id, r := range reference {
		l := library[id]
		if r.rest == l.rest && r.file == l.file {
			same++
		} else if size := r.size(); size <= limit && size+idBytes > limit {
			continue // with the library's id it is too large
		} else if !strings.Contains(l.rest, `\ufffd`) {
			t.Errorf("%s: reference and library differ: %s", id, difference(l.rest, r.rest))
		}
	}
	if same < documents*7/10 {
		t.Errorf("reference and library agree about %d of %d documents only", same, documents)
	}
}
