package profile

import "strconv"

// Marks says in "_meta" what was cut.
type Marks struct{ Truncated, SQLTruncated bool }

// AppendMeta appends the value of "_meta". unixMicro is the time in microseconds since 1970; phpVersion is a JSON
// string, or empty and then left out.
func AppendMeta(dst []byte, unixMicro int64, phpVersion string, m Marks) []byte {
	dst = append(dst, `{"timestamp":`...)
	dst = appendSeconds(dst, unixMicro)
	if phpVersion != "" {
		dst = append(dst, `,"php_version":`...)
		dst = append(dst, phpVersion...)
	}
	dst = append(dst, `,"transmitter_version":"1.0"`...)
	if m.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	if m.SQLTruncated {
		dst = append(dst, `,"sql_truncated":true`...)
	}
	return append(dst, '}')
}

// appendSeconds writes all six decimals, which strconv.AppendFloat does in ten times the time.
func appendSeconds(dst []byte, micro int64) []byte {
	const second = 1_000_000
	dst = strconv.AppendInt(dst, micro/second, 10)
	point := len(dst)
	dst = strconv.AppendInt(dst, second+micro%second, 10) // its leading 1 keeps the zeros
	dst[point] = '.'
	return dst
}
