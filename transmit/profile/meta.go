package profile

import "strconv"

// MetaFlags are the members of "_meta" that say which list was shortened.
type MetaFlags struct{ Truncated, SQLTruncated bool }

// AppendMeta appends the value of "_meta". unixMicro is the time in microseconds since 1970; phpVersion is a JSON
// string; if it is empty, the member is left out. id is unique to this profile.
func AppendMeta(dst []byte, unixMicro int64, phpVersion string, id uint64, flags MetaFlags) []byte {
	dst = append(dst, `{"timestamp":`...)
	dst = appendSeconds(dst, unixMicro)
	if phpVersion != "" {
		dst = append(dst, `,"php_version":`...)
		dst = append(dst, phpVersion...)
	}
	dst = append(dst, `,"transmitter_version":"1.0","id":"`...)
	dst = append(appendHex(dst, id), '"')
	if flags.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	if flags.SQLTruncated {
		dst = append(dst, `,"sql_truncated":true`...)
	}
	return append(dst, '}')
}

func appendHex(dst []byte, id uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[id>>shift&15])
	}
	return dst
}

// MetaText returns what AppendMeta writes between the timestamp and the version.
func MetaText(phpVersion string) string {
	if phpVersion == "" {
		return ""
	}
	return `,"php_version":` + phpVersion
}

// appendSeconds writes all six decimals. strconv.AppendFloat would take ten times as long.
func appendSeconds(dst []byte, micro int64) []byte {
	const second = 1_000_000
	dst = strconv.AppendInt(dst, micro/second, 10)
	point := len(dst)
	dst = strconv.AppendInt(dst, second+micro%second, 10) // its leading 1 keeps the zeros
	dst[point] = '.'
	return dst
}
