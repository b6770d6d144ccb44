package tests

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// nginx serves a php-fpm's pages on the loopback interface, in two ways.
type nginx struct {
	t     *testing.T
	scene scene
	url   string
}

// The pages of the two ways: with the profiler and its ledger, and without.
const (
	with    = "/with"
	without = "/without"
)

func startNginx(t *testing.T, f *fpm, script string) *nginx {
	t.Helper()
	s := f.scene
	address := freeAddress(t)
	location := func(path, prepend string) string {
		return fmt.Sprintf(`location %s { fastcgi_pass unix:%s/f; fastcgi_param PHP_VALUE "auto_prepend_file=%s";
			fastcgi_param SCRIPT_FILENAME %s/%s; fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param TRANSMIT_STATUS 1; fastcgi_param QUERY_STRING $query_string;
			fastcgi_param REQUEST_URI $request_uri; fastcgi_param SERVER_PROTOCOL $server_protocol; }
			`, path, s.dir, prepend, stage, script)
	}
	runNginx(t, s, address, fmt.Sprintf("server { listen %s; %s %s }", address,
		location(with, stage+"/tests/php/scripts/ledger.php"), location(without, "none")))
	return &nginx{t: t, scene: s, url: "http://" + address}
}

// runNginx starts one with these servers, and waits until it listens at the address.
func runNginx(t *testing.T, s scene, address, servers string) {
	t.Helper()
	binary := need(t, "nginx", "nginx-light")
	user := ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;"
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, s.dir, kind)
	}
	conf := s.write(t, "nginx.conf", fmt.Sprintf(`daemon off; worker_processes 1; %s pid %s/nginx.pid; error_log %s/nginx.log;
		events { worker_connections 256; }
		http { access_log off; %s %s }`, user, s.dir, s.dir, temporary, servers))
	p := start(t, serverLimit+lasts(t, 0, 1), exec.Command(binary, "-e", s.dir+"/nginx.log", "-c", conf))
	until(t, 30*time.Second, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil || ended(p)
	})
	if ended(p) {
		t.Fatalf("nginx: %s", p.errors.String())
	}
}

// freeAddress is an address that no other program uses now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

// pages is what wrk says of a page.
type pages struct {
	served, failed  int
	took            time.Duration
	p50, p99, worst time.Duration
}

func (p pages) String() string {
	return fmt.Sprintf("%.0f pages/s, p50 %v, p99 %v, worst %v, %d failed",
		float64(p.served)/p.took.Seconds(), p.p50, p.p99, p.worst, p.failed)
}

const wrkReport = `done = function(summary, latency)
	local e = summary.errors
	print("figures", summary.requests, e.status + e.connect + e.read + e.write + e.timeout, summary.duration,
		latency:percentile(50), latency:percentile(99), latency.max)
end`

// wrk starts loading a page, with as many connections as there are workers; what
// it returns waits for the end.
func (n *nginx) wrk(path string, connections int, duration time.Duration) func() pages {
	n.t.Helper()
	script := n.scene.write(n.t, "wrk.lua", wrkReport)
	seconds := max(1, int(duration.Seconds()))
	p := start(n.t, duration+time.Minute, exec.Command(need(n.t, "wrk", "wrk"), "-t1", fmt.Sprintf("-c%d", connections),
		fmt.Sprintf("-d%ds", seconds), "--timeout", "30s", "-s", script, n.url+path))
	return func() pages {
		n.t.Helper()
		line := ""
		for !strings.HasPrefix(line, "figures") {
			line = p.line()
		}
		<-p.done
		var of pages
		var took, p50, p99, worst float64
		_, err := fmt.Sscan(strings.TrimPrefix(line, "figures"), &of.served, &of.failed, &took, &p50, &p99, &worst)
		check(n.t, err)
		us := func(n float64) time.Duration { return time.Duration(n) * time.Microsecond }
		of.took, of.p50, of.p99, of.worst = us(took), us(p50), us(p99), us(worst)
		return of
	}
}
