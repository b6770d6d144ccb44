package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The pool's user, and the name by which every site is asked: pages name it.
const (
	appUser = 65534
	appHost = "wiki.test"
)

// site is one pool with copies of the applications' data, and a visitor with cookies.
type site struct {
	t        *testing.T
	scene    scene
	profiler string // "none", or the setting of that name
	fpm      *fpm
	client   *http.Client
	asked    []string // ids of requests
	last     string   // the last document, which holds the next request's tokens
}

// kindOfSite is a pool's recipe and its setting profiler.
type kindOfSite struct {
	profiler string
	recipe   recipe
}

// startSite starts a pool. data, if not "", is a folder that is copied for it.
func startSite(t *testing.T, kind kindOfSite, data, redis string, workers int) *site {
	t.Helper()
	s := &site{t: t, scene: newScene(t), profiler: kind.profiler}
	if data != "" {
		s.copyData(data)
	}
	check(t, os.Mkdir(s.scene.buffer, 0o700))
	check(t, os.Chown(s.scene.buffer, appUser, appUser))
	t.Setenv("APP_FOLDER", s.scene.dir)
	t.Setenv("APP_PROFILER", s.profiler)
	t.Setenv("MW_CONFIG_FILE", s.scene.dir+"/mediawiki/LocalSettings.php")
	t.Setenv("TEST_SETTINGS", fmt.Sprintf(`{"profiler":%q,"timeout_us":1000000}`, s.profiler))
	s.fpm = startPool(t, s.scene, kind.recipe, fmt.Sprintf(`pm.max_children=%d
php_admin_value[auto_prepend_file]=%s/tests/php/apps/prepend.php
php_admin_value[memory_limit]=256M
php_admin_value[display_errors]=0
php_admin_value[session.save_handler]=redis
php_admin_value[session.save_path]=unix://%s
php_admin_value[redis.session.locking_enabled]=0`, workers, stage, redis))
	return s
}

func (s *site) copyData(from string) {
	s.t.Helper()
	for _, app := range []string{"mediawiki", "dokuwiki"} {
		succeed(s.t, 20*time.Second, exec.Command("cp", "-rLp", from+"/"+app, s.scene.dir+"/"+app))
	}
	for _, name := range []string{"mediawiki/LocalSettings.php", "dokuwiki/conf/local.php"} {
		path := filepath.Join(s.scene.dir, name)
		info, err := os.Stat(path)
		check(s.t, err)
		check(s.t, os.WriteFile(path, []byte(strings.ReplaceAll(read(s.t, path), from, s.scene.dir)), 0o644))
		check(s.t, os.Chtimes(path, info.ModTime(), info.ModTime())) // DokuWiki's pages show a hash of it
	}
	succeed(s.t, 20*time.Second, exec.Command("chown", "-R", fmt.Sprint(appUser), s.scene.dir+"/mediawiki", s.scene.dir+"/dokuwiki"))
}

// serveSites starts one nginx for them all, each on an address of its own.
func serveSites(t *testing.T, sites []*site) {
	t.Helper()
	scene, servers := newScene(t), ""
	addresses := make([]string, len(sites))
	for i, s := range sites {
		addresses[i] = freeAddress(t)
		servers += fmt.Sprintf(siteServer, addresses[i], s.scene.dir)
	}
	config := scene.write(t, "sites.conf", strings.ReplaceAll(servers, "STAGE", stage))
	runNginx(t, scene, addresses[0], "include /etc/nginx/mime.types; client_max_body_size 8m; include "+config+";")
	for i, s := range sites {
		s.client = visitor(t, addresses[i])
	}
}

// siteServer has the applications' PHP files as Debian installs them.
const siteServer = `server {
	listen %[1]s;
	fastcgi_buffers 64 16k;
	location ~ ^/mw/((?:index|load|api|opensearch_desc|rest)\.php)$ { set $script /usr/share/mediawiki/$1; try_files /none @php; }
	location ~ ^/dw/((?:doku|feed|index|lib/exe/[a-z]+)\.php)$ { set $script /usr/share/dokuwiki/$1; try_files /none @php; }
	location = /login { set $script STAGE/tests/php/apps/login.php; try_files /none @php; }
	location /images/ { alias %[2]s/mediawiki/images/; }
	location @php {
		include /etc/nginx/fastcgi_params;
		fastcgi_param SERVER_NAME wiki.test;
		fastcgi_param SERVER_PORT 80;
		fastcgi_param REMOTE_PORT 1;
		fastcgi_param SCRIPT_FILENAME $script;
		fastcgi_pass unix:%[2]s/f;
	}
}
`

// visitor is a client with cookies that finds every host at that address and goes where it is told.
func visitor(t *testing.T, address string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Jar:     jar,
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// response is what a visitor sees, as one text.
func (s *site) response(request *http.Request) (status int, text string) {
	s.t.Helper()
	request.Host = appHost
	if id := fmt.Sprintf("r%d", len(s.asked)); s.profiler != "" {
		request.Header.Set("X-Correlation-Id", id)
		s.asked = append(s.asked, id)
	}
	answer, err := s.client.Do(request)
	check(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(s.t, err)
	s.last = string(body)
	answer.Header.Del("Date")
	if answer.Header.Get("Content-Length") == strconv.Itoa(len(body)) { // times in a body are not equally long
		answer.Header.Set("Content-Length", "that of the body")
	}
	var headers bytes.Buffer
	check(s.t, answer.Header.Write(&headers))
	return answer.StatusCode, fmt.Sprintf("%s\n%s\n%s", answer.Status, headers.String(), body)
}

// startRedis starts a redis-server that keeps nothing, and returns its socket.
func startRedis(t *testing.T) string {
	t.Helper()
	s := newScene(t)
	socket := s.dir + "/redis"
	p := start(t, 5*time.Minute, exec.Command(need(t, "redis-server", "redis-server"), "--port", "0", "--unixsocket", socket,
		"--unixsocketperm", "777", "--save", "", "--appendonly", "no", "--dir", s.dir))
	until(t, 30*time.Second, "redis listens", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil || ended(p)
	})
	return socket
}
