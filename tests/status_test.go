package tests

import (
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// statusUser runs php-fpm's workers, and nothing else: its pool counts these tests' calls only.
const statusUser = 61236

// statusFPM is a php-fpm that answers for its counters.
type statusFPM struct{ *fpm }

// startStatusFPM starts one for a user who has not counted yet.
func startStatusFPM(t *testing.T, s scene, r recipe, workers int) statusFPM {
	t.Helper()
	needRoot(t)
	forgetPool(t)
	t.Cleanup(func() { forgetPool(t) })
	return statusFPM{startPool(t, s, r, fmt.Sprintf("pm.max_children=%d\nuser=%d\ngroup=%d\n"+
		"env[TRANSMIT_STATUS_CONFIG]=%s/tests/php/scripts/config.php", workers, statusUser, statusUser, stage))}
}

func statusPool() string { return fmt.Sprintf("/dev/shm/libtransmit-%d.1", statusUser) }

func forgetPool(t *testing.T) {
	t.Helper()
	if err := os.Remove(statusPool()); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// ask fetches a script of the stage, with more parameters or environment.
func (f *fpm) ask(script string, more map[string]string) string {
	f.t.Helper()
	params := map[string]string{
		"SCRIPT_FILENAME": stage + script, "SCRIPT_NAME": script, "REQUEST_URI": script, "REQUEST_METHOD": "GET",
	}
	maps.Copy(params, more)
	p, err := fetch(f.scene.dir+"/f", params)
	check(f.t, err)
	return p.text
}

func (f statusFPM) status(query string, more map[string]string) string {
	f.t.Helper()
	params := map[string]string{"QUERY_STRING": query, "TRANSMIT_STATUS": "1"}
	maps.Copy(params, more)
	return f.ask("/php/status.php", params)
}

// call makes a page call one of the functions, and wants its result.
func (f statusFPM) call(what, want string, times int, more map[string]string) {
	f.t.Helper()
	params := map[string]string{"TEST_CALL": what}
	maps.Copy(params, more)
	for range times {
		if text := f.ask("/tests/php/scripts/send_page.php", params); !strings.HasSuffix(text, "\r\n\r\n"+want+"\n") {
			f.t.Fatalf("%s: %q, want %s", what, text, want)
		}
	}
}

var shownNumber = regexp.MustCompile(`<(?:tr|li) id="([\w-]+)"[^>]*>.*?<data value="(\d+)">([^<]*)</data>|<data id="(\w+)" value="(\d+)">([\d.]+) (bytes|[KMG]B)</data>`)

// shown are the page's numbers, as they are written for a person; none of them is there twice.
func shown(t *testing.T, html string) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, match := range shownNumber.FindAllStringSubmatch(html, -1) {
		name, value := match[1]+match[4], match[2]+match[5]
		n, err := strconv.Atoi(value)
		check(t, err)
		if match[1] != "" && strings.ReplaceAll(match[3], "\u202f", "") != value {
			t.Errorf("%s is shown as %q, and is %d", name, match[3], n)
		}
		if match[4] != "" {
			number, err := strconv.ParseFloat(match[6], 64)
			check(t, err)
			unit := map[string]float64{"bytes": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[match[7]]
			if math.Abs(number*unit-float64(n)) > 0.05*unit+0.5 {
				t.Errorf("%s is shown as %s %s, and is %d", name, match[6], match[7], n)
			}
		}
		if _, is := all[name]; is {
			t.Errorf("%s is there twice", name)
		}
		all[name] = n
	}
	return all
}

// sendSome makes every kind of result, and returns how often.
func (f statusFPM) sendSome(t *testing.T) map[string]int {
	t.Helper()
	f.call("start", "true", 10, nil) // in each worker: on a busy machine, the first send may be in plain PHP
	f.call("send", "false", 5, nil)  // there is no listener yet
	l := listen(t, f.scene.socket)
	nowhere := map[string]string{"TEST_SOCKET": f.scene.dir + "/gone", "TEST_BUFFER": "/proc/none"}
	f.call("send", "true", 1200, nil)
	f.call("cut", "true", 3, nil)
	f.call("send", "false", 2, nowhere)
	f.call("empty", "false", 4, nil)
	f.call("replay", "5", 1, nil)
	small := len(`{"id":"0123456789abc"}`) // as it is given to the library, which adds "_meta"
	given := 1200 * small
	for _, datagram := range l.await(1208) {
		if len(datagram) > 1000 { // PHP's own work
			given += len(datagram)
		}
	}
	return map[string]int{"sent": 1203, "buffered": 5, "shrunk": 3, "lost": 2, "refused": 4, "replayed": 5, "waits_in_vain": 0, "lost_later": 0, "sent_bytes": given,
		"buffered_bytes": 5 * small}
}

// The page's numbers are what all workers have sent, for a person and for Prometheus.
func TestStatus_CountsWhatWasSent(t *testing.T) {
	f := startStatusFPM(t, newScene(t), recipes[0], 2)
	want := f.sendSome(t)
	got := shown(t, f.status("", nil))
	metrics := parseMetrics(t, f.status("format=prometheus", nil))
	got["buffered"] += got["pending"] // a slow disk
	for name, n := range want {
		if got[name] != n {
			t.Errorf("the page has %s %d, want %d", name, got[name], n)
		}
	}
	for sample, name := range map[string]string{
		"transmit_profiles_total result=sent": "sent", "transmit_profiles_total result=lost": "lost",
		"transmit_profiles_total result=refused": "refused", "transmit_refused_total cause=empty": "refused",
		"transmit_lost_total cause=no_directory": "lost", "transmit_replayed_total": "replayed",
		"transmit_shrunk_total": "shrunk", "transmit_sent_bytes_total": "sent_bytes", "transmit_connects_total": "connects",
		"transmit_buffered_bytes_total": "buffered_bytes",
	} {
		if n := int(metrics.value(t, sample)); n != got[name] {
			t.Errorf("%s is %d, and the page has %s %d", sample, n, name, got[name])
		}
	}
	calls := want["sent"] + want["buffered"] + want["lost"] + want["refused"]
	metrics.checkHistogram(t, "transmit_call_duration_seconds", calls)
	metrics.want(t, "transmit_pool_up", 1)
	metrics.want(t, "transmit_listener_up socket="+f.scene.socket, 1)
	if n := metrics.value(t, "transmit_processes"); n < 1 || n > 2 {
		t.Errorf("%v processes", n)
	}
	t.Logf("%v: %d calls; the page has %v", want, calls, got)
}

// If the web server's location does not allow the page, it shows nothing, in any format.
func TestStatus_IsForTheLocationToAllow(t *testing.T) {
	s := newScene(t)
	f := statusFPM{startFPM(t, s, recipes[0])}
	for _, query := range []string{"", "format=prometheus"} {
		page := f.status(query, map[string]string{"HTTP_TRANSMIT_STATUS": "1", "TRANSMIT_STATUS": ""})
		if !strings.HasPrefix(page, "Status: 403 Forbidden\r\n") || strings.Contains(page, s.dir) || len(page) > 500 {
			t.Errorf("?%s: %s", query, page)
		}
	}
	page := f.status("", map[string]string{"TRANSMIT_STATUS": "1", "TRANSMIT_STATUS_CONFIG": "/nowhere.php"})
	if !strings.HasPrefix(page, "Status: 500 ") || !strings.Contains(page, "TRANSMIT_STATUS_CONFIG=/nowhere.php cannot be read") {
		t.Errorf("without its settings: %s", page)
	}
}

// A path may have any characters; on the page they are text.
func TestStatus_Escapes(t *testing.T) {
	f := startStatusFPM(t, newScene(t), recipes[0], 1)
	path := f.scene.dir + "/<b>&\"'\\\n\xff"
	html := f.status("", map[string]string{"TEST_SOCKET": path})
	if want := "/&lt;b&gt;&amp;&quot;&#039;\\ ?: No such file or directory"; !strings.Contains(html, want) {
		t.Errorf("no %q in\n%s", want, html)
	}
	if strings.Contains(html, "<b>&") || strings.Contains(html, "\xff") {
		t.Errorf("not escaped:\n%s", html)
	}
	metrics := parseMetrics(t, f.status("format=prometheus", map[string]string{"TEST_SOCKET": path}))
	metrics.want(t, "transmit_listener_up socket="+strings.ReplaceAll(path, "\n\xff", " ?"), 0)
}

// Nothing is counted, and the page says so and why.
func TestStatus_PlainPHP(t *testing.T) {
	f := startStatusFPM(t, newScene(t), recipes[4], 1)
	listen(t, f.scene.socket)
	f.call("send", "true", 1, nil)
	html := f.status("", nil)
	for _, want := range []string{"plain PHP</span>", "Plain PHP counts nothing: FFI is restricted here", "<h2>The listener is up</h2>"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in\n%s", want, html)
		}
	}
	if got := shown(t, html); len(got) != 1 || got["waiting"] != 0 {
		t.Errorf("it has counted %v", got)
	}
	metrics := parseMetrics(t, f.status("format=prometheus", nil))
	metrics.want(t, "transmit_listener_up socket="+f.scene.socket, 1)
	info := metrics["transmit_library_info"].GetMetric()
	if len(metrics) != 4 || len(info) != 1 || !strings.HasPrefix(labelsOf(info[0]), "mode=plain version= reason=FFI is ") {
		t.Errorf("%v", metrics)
	}
}

// Root's file is where this user's shared counters would be: each process has a series of its own.
func TestStatus_WithoutAPool(t *testing.T) {
	f := startStatusFPM(t, newScene(t), recipes[0], 1)
	check(t, os.WriteFile(statusPool(), nil, 0o600))
	listen(t, f.scene.socket)
	f.call("start", "true", 1, nil)
	f.call("send", "true", 3, nil)
	f.call("send", "false", 1, map[string]string{"TEST_SOCKET": f.scene.dir + "/gone"})
	html := f.status("", nil)
	worker := f.workers()[0]
	if want := fmt.Sprintf("This process only, %d, for there is no pool (open: error 13)", worker); !strings.Contains(html, want) {
		t.Errorf("no %q in\n%s", want, html)
	}
	if got := shown(t, html); got["sent"] != 3 {
		t.Errorf("%v", got)
	}
	if !regexp.MustCompile(`Last not sent</span> <b>\d s ago</b> <small><time datetime="\d[^"]+Z">[^<]+ UTC</time><br>[a-z][^<]+<`).MatchString(html) {
		t.Errorf("no last failure in\n%s", html)
	}
	metrics := parseMetrics(t, f.status("format=prometheus", nil))
	metrics.want(t, "transmit_pool_up", 0)
	metrics.want(t, fmt.Sprintf("transmit_profiles_total pid=%d result=sent", worker), 3)
	metrics.checkHistogram(t, "transmit_call_duration_seconds", 4)
	at := metrics.value(t, fmt.Sprintf("transmit_last_failure_timestamp_seconds pid=%d", worker))
	if age := float64(time.Now().Unix()) - at; age < 0 || age > 60 {
		t.Errorf("the last failure is %v s ago", age)
	}
	if len(metrics["transmit_processes"].GetMetric()) != 0 {
		t.Errorf("%v", metrics["transmit_processes"])
	}
}

// The page's first sentence, and what it says about the disk, are right in each part of an outage.
func TestStatus_ShowsAnOutage(t *testing.T) {
	f := startStatusFPM(t, newScene(t), recipes[0], 1)
	s := f.scene
	f.call("start", "true", 1, nil)
	l := listen(t, s.socket)
	nowhere := map[string]string{"TEST_BUFFER": "/proc/none"}
	for _, step := range []struct {
		name    string
		do      func()
		waiting int
		want    []string // what the page then says, as patterns
	}{
		{"before the first call", func() {}, 0, []string{`verdict ok">\s*<h2>The listener is up<`, `Last sent</span> <b>never<`,
			`Last not sent</span> <b>never<`}},
		{"sent", func() { f.call("send", "true", 5, nil) }, 0, []string{`verdict ok">\s*<h2>Profiles arrive<`,
			`Last sent</span> <b>\d s ago<`, `Last not sent</span> <b>never<`, `limit 50 ms`}},
		{"away", func() { l.close(); time.Sleep(1100 * time.Millisecond); f.call("send", "false", 3, nil) }, 3, []string{
			`verdict fail">\s*<h2>The listener cannot be reached: profiles wait on disk<`, `Connection refused`,
			`class="remedy">Start the listener`, `the oldest since \d\d:\d\d:\d\d UTC<`, `badge fail">away<`,
			`Last not sent</span> <b>\d s ago</b> <small><time [^>]*>[^<]*</time><br>written to the disk buffer<`}},
		{"lost", func() { f.call("send", "false", 2, nowhere) }, 3, []string{`verdict fail`, `id="lost"[^\n]*bad`,
			`class="cause"><th scope="row">no directory<`}},
		{"back", func() { listen(t, s.socket); f.call("send", "true", 1, nil) }, 3, []string{
			`verdict warn">\s*<h2>Profiles arrive; some still wait on disk<`, `call replay_disk_buffer\(\)`, `badge ok">up<`}},
		{"replayed", func() { f.call("replay", "3", 1, nil) }, 0, []string{`verdict ok">\s*<h2>Profiles arrive<`}},
		{"elsewhere", func() {
			time.Sleep(1100 * time.Millisecond)
			f.call("send", "false", 1, map[string]string{"TEST_SOCKET": s.dir + "/gone"})
		}, 0, []string{ // it waits for another listener
			`verdict warn">\s*<h2>The last profile went to the disk<`}},
		{"lost, with a listener", func() {
			f.call("send", "false", 1, map[string]string{"TEST_SOCKET": s.dir + "/gone", "TEST_BUFFER": "/proc/none"})
		}, 0, []string{`verdict fail">\s*<h2>The last profile was lost</h2>\s*<p>[^<]*no buffer directory`}},
	} {
		step.do()
		html := f.status("", nil)
		for _, want := range step.want {
			if !regexp.MustCompile(want).MatchString(html) {
				t.Errorf("%s: no %s in\n%s", step.name, want, html)
			}
		}
		if got := shown(t, html); got["waiting"] != step.waiting {
			t.Errorf("%s: %d wait on the disk, want %d", step.name, got["waiting"], step.waiting)
		}
		metrics := parseMetrics(t, f.status("format=prometheus", nil))
		metrics.want(t, "transmit_buffer_files", float64(step.waiting))
	}
}
