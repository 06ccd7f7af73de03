package awsproto

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseForm reads a request of the query protocol of at most limit bytes into its Form; what cannot be read is an Error.
func ParseForm(r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(nil, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		return Errorf("MalformedQueryString", "%v", err)
	}
	return nil
}

// Form is a request of the query protocol, or a part of it: its parameters by what stands behind the
// part's name. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type Form map[string]string

// NewForm is a request's form, of which every parameter stands once.
func NewForm(values url.Values) Form {
	f := Form{}
	for key := range values {
		f[key] = values.Get(key)
	}
	return f
}

// List are the members of a list, in order: of a flattened one by its name, of any other by its name
// and .member.
func (f Form) List(name string) []Form {
	byNumber := map[int]Form{}
	for key, value := range f {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		number, member, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil { // a list of one may come without a number
			n, member = 0, rest
		}
		if byNumber[n] == nil {
			byNumber[n] = Form{}
		}
		byNumber[n][member] = value
	}
	var out []Form
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		out = append(out, byNumber[n])
	}
	return out
}

// Texts is a list of strings.
func (f Form) Texts(name string) []string {
	var out []string
	if f[name] != "" {
		out = append(out, f[name])
	}
	for _, member := range f.List(name) {
		out = append(out, member[""])
	}
	return out
}

// Map is a map of strings, or a list of pairs, whose members' parts are called key and value.
func (f Form) Map(name, key, value string) map[string]string {
	members := f.List(name)
	if len(members) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, member := range members {
		out[member[key]] = member[value]
	}
	return out
}
