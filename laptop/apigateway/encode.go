package apigateway

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// appendMap writes ,"name":{…} with sorted keys, or nothing for an empty m.
func appendMap(b []byte, name string, m map[string]string) []byte {
	if len(m) == 0 {
		return b
	}
	b = append(b, ',')
	b = appendString(b, name)
	b = append(b, ":{"...)
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, k, m[k])
	}
	return append(b, '}')
}

func appendMember(b []byte, name, value string) []byte {
	b = appendString(b, name)
	b = append(b, ':')
	return appendString(b, value)
}

// appendString writes s as JSON. Plain ASCII, which is nearly all, is copied.
func appendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] != '"' && s[i] != '\\' && s[i] < utf8.RuneSelf
	}
	if !plain {
		quoted, _ := json.Marshal(s) // strings marshal always
		return append(b, quoted...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendMulti writes an object of each name's last value and one of all its values; both are null for
// a nil m.
func appendMulti(b []byte, single, multi string, m map[string][]string) []byte {
	if m == nil {
		b = appendString(b, single)
		b = append(b, ":null,"...)
		b = appendString(b, multi)
		return append(b, ":null"...)
	}
	names := slices.Sorted(maps.Keys(m))
	b = appendString(b, single)
	b = append(b, ":{"...)
	for i, k := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, k, m[k][len(m[k])-1])
	}
	b = append(b, "},"...)
	b = appendString(b, multi)
	b = append(b, ":{"...)
	for i, k := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k)
		b = append(b, ":["...)
		for j, v := range m[k] {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
