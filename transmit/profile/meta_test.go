package profile

import (
	"encoding/json"
	"testing"
)

func TestAppendMeta(t *testing.T) {
	for _, test := range []struct {
		name  string
		micro int64
		php   string
		flags MetaFlags
		want  string
	}{
		{"plain", 1763886489_123456, ``, MetaFlags{}, `{"timestamp":1763886489.123456,"transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"php", 1763886489_123456, `"8.2.1"`, MetaFlags{}, `{"timestamp":1763886489.123456,"php_version":"8.2.1","transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"a whole second", 1763886489_000000, ``, MetaFlags{}, `{"timestamp":1763886489.000000,"transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"one microsecond more", 1763886489_000001, ``, MetaFlags{}, `{"timestamp":1763886489.000001,"transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"one microsecond less", 1763886488_999999, ``, MetaFlags{}, `{"timestamp":1763886488.999999,"transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"1970", 0, ``, MetaFlags{}, `{"timestamp":0.000000,"transmitter_version":"1.0","id":"00c0ffee00000001"}`},
		{"functions cut", 1_500000, ``, MetaFlags{Truncated: true}, `{"timestamp":1.500000,"transmitter_version":"1.0","id":"00c0ffee00000001","truncated":true}`},
		{"queries cut", 1_500000, ``, MetaFlags{SQLTruncated: true}, `{"timestamp":1.500000,"transmitter_version":"1.0","id":"00c0ffee00000001","sql_truncated":true}`},
		{"both cut", 1_500000, `"7.4"`, MetaFlags{true, true}, `{"timestamp":1.500000,"php_version":"7.4","transmitter_version":"1.0","id":"00c0ffee00000001","truncated":true,"sql_truncated":true}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := string(AppendMeta([]byte("before"), test.micro, test.php, 0xc0ffee00000001, test.flags))
			if got != "before"+test.want || !json.Valid([]byte(test.want)) {
				t.Errorf("got %s, want %s after before", got, test.want)
			}
		})
	}
}

func TestAppendMeta_AllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(10, func() { AppendMeta(dst, 1763886489_123456, `"8.2.1"`, 1, MetaFlags{true, true}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
