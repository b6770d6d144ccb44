package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// commands are programs of some size, as Debian has them. APP and DATA stand for folders: one with PHP files, and
// what installApps has made.
var commands = []struct {
	name    string
	command []string
	stdin   string
	status  int
}{
	{"phpunit", []string{"phpunit", "--no-configuration", "STAGE/tests/php/apps/LexerTest.php"}, "", 1},
	{"phpunit's list", []string{"phpunit", "--no-configuration", "--list-tests", "STAGE/tests/php/apps/LexerTest.php"}, "", 0},
	{"phpcs", []string{"phpcs", "--standard=PSR12", "APP"}, "", 0},
	{"phpcs, with findings", []string{"phpcs", "--standard=PEAR", "--report=json", "APP"}, "", 2},
	{"phpmd", []string{"phpmd", "APP", "text", "cleancode,codesize,naming"}, "", 2},
	{"phploc", []string{"phploc", "APP"}, "", 0},
	{"phpcpd", []string{"phpcpd", "APP"}, "", 0},
	{"php-parse", []string{"php-parse", "--dump", "--pretty-print", "APP/Lexer.php"}, "", 0},
	{"composer, a bad file", []string{"composer", "validate", "--no-interaction", "DATA/composer.json"}, "", 1},
	{"composer's list", []string{"composer", "list", "--raw", "--no-interaction"}, "", 0},
	{"MediaWiki's statistics", []string{"php", mwMaintenance + "showSiteStats.php"}, "", 0},
	{"MediaWiki's dump", []string{"php", mwMaintenance + "dumpBackup.php", "--full", "--quiet"}, "", 0},
	{"MediaWiki's shell", []string{"php", mwMaintenance + "eval.php"}, "echo $wgSitename;\nexit;\n", 0},
	{"MediaWiki, a wrong option", []string{"php", mwMaintenance + "runJobs.php", "--nonsense"}, "", 1},
	{"DokuWiki's renderer", []string{"php", "/usr/share/dokuwiki/bin/render.php"}, "====== Head ======\n  * **one**\n  * two\n", 0},
	{"DokuWiki's wanted pages", []string{"php", "/usr/share/dokuwiki/bin/wantedpages.php"}, "", 0},
}

const mwMaintenance = "/usr/share/mediawiki/maintenance/"

// programWays are how they are run. The first two have no profiler.
var programWays = []struct {
	name     string
	prepend  string
	settings map[string]any
	profiles bool
}{
	{"without", "none", nil, false},
	{"without again", "none", nil, false},
	{"profile_cli off", "profiler", map[string]any{"profile_cli": false}, false},
	{"tideways_xhprof", "profiler", map[string]any{"profile_cli": true, "profiler": "tideways_xhprof"}, true},
	{"excimer, plain PHP", "profiler", map[string]any{"profile_cli": true, "profiler": "excimer", "library": ""}, true},
}

// On the command line, a program prints the same and ends the same with the profiler and without.
func TestApps_ProgramsAreTheSame(t *testing.T) {
	data := installApps(t)
	check(t, os.WriteFile(data+"/composer.json", []byte(`{"name": "no vendor", "require": []}`), 0o644))
	check(t, copyAll(root+"/tests/demo/app/*.php", stage+"/tests/demo/app"))
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			need(t, c.command[0], c.command[0])
			var outcomes []string
			for _, way := range programWays {
				s := newScene(t)
				l := listen(t, s.socket)
				o := runProgram(t, s, data, c.command, c.stdin, way.prepend, way.settings)
				outcomes = append(outcomes, fmt.Sprintf("status %d\nstdout:\n%s\nstderr:\n%s", o.state.ExitCode(), o.out, o.errors))
				if way.profiles {
					until(t, 5*time.Second, way.name+": a profile", func() bool { return len(l.all())+len(s.profiles(t)) > 0 })
				} else if n := len(l.all()) + len(s.profiles(t)); n > 0 {
					t.Errorf("%s: %d profiles", way.name, n)
				}
			}
			if want := fmt.Sprintf("status %d\n", c.status); !strings.HasPrefix(outcomes[0], want) {
				t.Fatalf("without: want %s, got\n%.3000s", want, outcomes[0])
			}
			compareOutcomes(t, outcomes)
		})
	}
}

func runProgram(t *testing.T, s scene, data string, command []string, stdin, prepend string, settings map[string]any) outcome {
	t.Helper()
	check(t, os.Mkdir(s.dir+"/ini", 0o755))
	s.write(t, "ini/99-test.ini", "auto_prepend_file="+stage+"/tests/php/apps/prepend.php\n")
	more, err := json.Marshal(settings)
	check(t, err)
	replaced := strings.NewReplacer("STAGE", stage, "APP", stage+"/tests/demo/app", "DATA", data)
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = replaced.Replace(arg)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = data
	cmd.Env = append(os.Environ(), append(s.environment(), "PHP_INI_SCAN_DIR=:"+s.dir+"/ini", "APP_FOLDER="+data,
		"APP_PROFILER="+prepend, "MW_CONFIG_FILE="+data+"/mediawiki/LocalSettings.php", "TEST_SETTINGS="+string(more),
		"COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_HOME="+filepath.Join(data, "composer"))...)
	p := start(t, time.Minute, cmd)
	_, err = p.stdin.Write([]byte(stdin))
	check(t, err)
	p.stdin.Close()
	var out strings.Builder
	_, err = p.lines.WriteTo(&out)
	check(t, err)
	<-p.done
	return outcome{state: cmd.ProcessState, out: out.String(), errors: p.errors.String()}
}

// ownMemory is what a program says of its memory, in which the profiler's is.
var ownMemory = regexp.MustCompile(`(?i)memory( usage)?: [\d.]+ ?[KM]i?B`)

func compareOutcomes(t *testing.T, outcomes []string) {
	t.Helper()
	for i := range outcomes {
		outcomes[i] = ownMemory.ReplaceAllString(outcomes[i], "MEMORY")
	}
	varies := map[int]bool{}
	differences(outcomes[0], outcomes[1], func(at int, _ string) { varies[at] = true })
	for i, way := range programWays[2:] {
		got := outcomes[2+i]
		same := differences(outcomes[0], got, func(at int, before string) {
			if !varies[at] {
				t.Errorf("%s: differs after %q", way.name, before)
			}
		})
		if !same {
			t.Errorf("%s: another outcome\n%s", way.name, firstDifference(outcomes[0], got))
		}
	}
}
