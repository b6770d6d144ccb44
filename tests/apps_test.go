package tests

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The pools. The first two have no profiler: what differs between them may differ anywhere.
var kindsOfSite = []kindOfSite{
	{"none", recipes[0]},
	{"none", recipes[0]},
	{"tideways_xhprof", recipes[0]},
	{"excimer", recipes[4]},
}

// MediaWiki and DokuWiki, as Debian has them, answer each request as without the profiler. Meanwhile the listener is
// killed, and each request's profile is there once.
func TestApps_AreTheSame(t *testing.T) {
	needRoot(t)
	data, redis := installApps(t), startRedis(t)
	var sites []*site
	for _, kind := range kindsOfSite {
		sites = append(sites, startSite(t, kind, data, redis, 1))
	}
	serveSites(t, sites)
	heard := make([]map[string]int, len(sites))
	listeners := make([]*listener, len(sites))
	each := func(f func(i int, s *site)) {
		for i, s := range sites {
			f(i, s)
		}
	}
	begin := func(i int, s *site) { listeners[i] = listen(t, s.scene.socket) }
	kill := func(i int, s *site) {
		if s.profiler != "none" { // what is in its queue would die with it
			listeners[i].await(len(s.asked))
		}
		listeners[i].close()
		heard[i] = ids(t, listeners[i].all()...)
	}
	var seen [][]string
	for n, v := range visits {
		switch n {
		case 0, 2 * len(visits) / 3:
			each(begin)
		case len(visits) / 3:
			each(kill)
		}
		answers := make([]string, len(sites))
		each(func(i int, s *site) { answers[i] = s.visit(v) })
		seen = append(seen, answers)
	}
	compareSites(t, sites, seen)
	for i, s := range sites {
		if s.profiler != "none" {
			accountFor(t, s, heard[i], listeners[i])
		}
	}
}

// accountFor wants each request's profile to be at one of the listeners or in the buffer, once.
func accountFor(t *testing.T, s *site, heard map[string]int, l *listener) {
	t.Helper()
	total := func() map[string]int {
		all := map[string]int{}
		add(all, heard)
		add(all, ids(t, l.all()...))
		add(all, ids(t, s.scene.profiles(t)...))
		return all
	}
	for end := time.Now().Add(3 * time.Second); len(total()) < len(s.asked) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	got := total()
	eachOnce(t, got, len(s.asked))
	for _, id := range s.asked {
		if got[id] != 1 {
			t.Errorf("%s: the profile of request %s is there %d times", s.profiler, id, got[id])
		}
	}
	t.Logf("%s: %d requests, %d profiles, %d of them in the buffer", s.profiler, len(s.asked), len(got), len(s.scene.profiles(t)))
}

// installApps makes a folder with what both applications keep: MediaWiki with an SQLite database, DokuWiki
// with a user, both as they are before the first visitor.
func installApps(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/usr/share/mediawiki/maintenance/install.php"); err != nil {
		skip(t, "MediaWiki is not installed: apt-get install mediawiki")
	}
	if _, err := os.Stat("/usr/share/dokuwiki/doku.php"); err != nil {
		skip(t, "DokuWiki is not installed: apt-get install dokuwiki")
	}
	s := newScene(t)
	for _, folder := range []string{"mediawiki/data", "mediawiki/images", "mediawiki/cache", "dokuwiki/conf"} {
		check(t, os.MkdirAll(s.dir+"/"+folder, 0o755))
	}
	succeed(t, time.Minute, exec.Command("php", "/usr/share/mediawiki/maintenance/install.php", "--dbtype=sqlite", "--dbname=wiki",
		"--dbpath="+s.dir+"/mediawiki/data", "--confpath="+s.dir+"/mediawiki", "--server=http://"+appHost, "--scriptpath=/mw",
		"--pass=a-long-password-1", "--skins=Vector", "Wiki", "Admin"))
	settings := s.dir + "/mediawiki/LocalSettings.php"
	check(t, os.WriteFile(settings, []byte(read(t, settings)+strings.ReplaceAll(moreLocalSettings, "FOLDER", s.dir)), 0o644))
	// Once for all pools; else each first visitor waits for it.
	build := exec.Command("php", "/usr/share/mediawiki/maintenance/rebuildLocalisationCache.php", "--lang=en")
	build.Env = append(os.Environ(), "MW_CONFIG_FILE="+settings)
	succeed(t, time.Minute, build)
	succeed(t, 20*time.Second, exec.Command("cp", "-rL", "/var/lib/dokuwiki/data", s.dir+"/dokuwiki/data"))
	for name, text := range dokuWikiFiles {
		s.write(t, "dokuwiki/"+name, strings.ReplaceAll(text, "FOLDER", s.dir))
	}
	return s.dir
}

// No jobs after the page: what they change would be there for one visitor and not yet for another.
const moreLocalSettings = `
$wgEnableUploads = true;
$wgUploadDirectory = 'FOLDER/mediawiki/images';
$wgUploadPath = '/images';
$wgCacheDirectory = 'FOLDER/mediawiki/cache';
$wgJobRunRate = 0;
$wgPasswordAttemptThrottle = [];
$wgRateLimits = [];
$wgUseImageMagick = false;
$wgObjectCaches['redis'] = ['class' => 'RedisBagOStuff', 'servers' => [preg_replace('~^unix://~', '', ini_get('session.save_path'))]];
$wgSessionCacheType = 'redis';
`

// The user is admin, the password secret.
var dokuWikiFiles = map[string]string{
	"conf/local.php": `<?php
$conf['title'] = 'Wiki';
$conf['savedir'] = 'FOLDER/dokuwiki/data';
$conf['useacl'] = 1;
$conf['superuser'] = 'admin';
$conf['baseurl'] = 'http://wiki.test';
$conf['basedir'] = '/dw/';
$conf['updatecheck'] = 0;
`,
	"conf/users.auth.php": "admin:5ebe2294ecd0e0f08eab7690d2a6ee69:Admin:admin@wiki.test:admin,user\n",
	"conf/acl.auth.php":   "*\t@ALL\t1\n*\t@user\t8\n",
}

// compareSites wants the sites with the profiler to answer as the first one does, but for tokens that differ
// between the two without: at that place, or after the same words anywhere.
func compareSites(t *testing.T, sites []*site, seen [][]string) {
	t.Helper()
	varies := map[string]bool{}
	for _, answers := range seen {
		differences(answers[0], answers[1], func(_ int, before string) { varies[before] = true })
	}
	for n, answers := range seen {
		here := map[int]bool{}
		if !differences(answers[0], answers[1], func(at int, _ string) { here[at] = true }) {
			t.Errorf("%s: two pools without the profiler differ in length\n%s", visits[n].what, firstDifference(answers[0], answers[1]))
		}
		for i, s := range sites[2:] {
			got, told := answers[2+i], 0
			same := differences(answers[0], got, func(at int, before string) {
				if !here[at] && !varies[before] && told < 5 { // one that is shifted differs to its end
					t.Errorf("%s, %s: differs after %q: %s", s.profiler, visits[n].what, before, tokens(at, answers[0], answers[1], got))
					told++
				}
			})
			if !same {
				t.Errorf("%s, %s: another answer\n%s", s.profiler, visits[n].what, firstDifference(answers[0], got))
			}
		}
	}
	t.Logf("%d visits, %d places that vary", len(seen), len(varies))
}

// A word with its percent-encoded letters, or another character.
var token = regexp.MustCompile(`(?:[0-9A-Za-z]|%[0-9A-F]{2})+|[^0-9A-Za-z]`)

// clockTimes are what the clock says, as the applications write it: two pools are not asked in the same second.
// DokuWiki's Etag is a hash of a file's time; MediaWiki's wpServerTime counts the minutes of the day and
// wgBackendResponseTime the milliseconds of the request.
var clockTimes = regexp.MustCompile(`\b\d{10}\b|\b20\d{12}\b|(\b|T)\d{1,2}:\d{2}(:\d{2})?(\.\d+)?|\b\d+\.\d+ (seconds|ms)|\b0\.\d{3}\b|` +
	`Etag: "[0-9a-f]{32}"|\d+\\?" name=\\?"wpServerTime|"wgBackendResponseTime":\d+`)

// differences calls f for each token that differs, with its place and the text before it, digits as 0. It
// returns false where one text has more tokens.
func differences(a, b string, f func(at int, before string)) bool {
	a, b = clockTimes.ReplaceAllString(a, "TIME"), clockTimes.ReplaceAllString(b, "TIME")
	as, bs := token.FindAllStringIndex(a, -1), token.FindAllStringIndex(b, -1)
	for n := range min(len(as), len(bs)) {
		if a[as[n][0]:as[n][1]] != b[bs[n][0]:bs[n][1]] {
			f(n, digits.ReplaceAllString(a[max(0, as[n][0]-12):as[n][0]], "0"))
		}
	}
	return len(as) == len(bs)
}

// tokens are the tokens at that place, with the text before, for a person.
func tokens(at int, texts ...string) string {
	var found []string
	for _, text := range texts {
		text = clockTimes.ReplaceAllString(text, "TIME")
		if all := token.FindAllStringIndex(text, -1); at < len(all) {
			found = append(found, fmt.Sprintf("%.160q", text[max(0, all[at][0]-60):all[at][1]]))
		}
	}
	return strings.Join(found, ", ")
}

var digits = regexp.MustCompile(`\d+`)

// firstDifference is where two texts begin to differ, for a person.
func firstDifference(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	from := max(0, n-200)
	return fmt.Sprintf("%.500q\n%.500q", a[from:], b[from:])
}

// A session that another worker has read before it was written is a lost login. Sessions are in redis, which
// does not make the second request wait for the first.
func TestApps_NoLoginIsLost(t *testing.T) {
	needRoot(t)
	redis := startRedis(t)
	for _, kind := range kindsOfSite[1:] {
		t.Run(kind.profiler, func(t *testing.T) {
			s := startSite(t, kind, "", redis, 3)
			serveSites(t, []*site{s})
			l := listen(t, s.scene.socket)
			const logins = 300
			lost := 0
			for n := range logins {
				s.client.Jar = visitor(t, "").Jar
				name := fmt.Sprintf("user%d", n)
				request, err := http.NewRequest(http.MethodPost, "http://"+appHost+"/login", strings.NewReader(name))
				check(t, err)
				if status, text := s.response(request); status != http.StatusFound {
					t.Fatalf("login: %s", text)
				}
				s.visit(visit{what: "after the login", status: 200, url: "/login"})
				if s.last != name {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("%d of %d logins lost", lost, logins)
			}
			if s.profiler != "none" {
				accountFor(t, s, nil, l)
			}
		})
	}
}
