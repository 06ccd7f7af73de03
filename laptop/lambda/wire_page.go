package lambda

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// writePage answers a part of a list in Lambda's way: at most MaxItems, and never more than limit,
// beginning after Marker; NextMarker says that there is more. all is in the order of its keys.
func writePage[T any](w http.ResponseWriter, r *http.Request, field string, limit int, all []T, key func(T) string, describe func(T) any) error {
	query := r.URL.Query()
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return awsproto.Errorf("InvalidParameterValueException", "MaxItems %q: a number from 1", text)
		}
		limit = min(n, limit)
	}
	list := []any{}
	answer := map[string]any{}
	last := ""
	for _, item := range all {
		if marker := query.Get("Marker"); marker != "" && key(item) <= marker {
			continue
		}
		if len(list) == limit {
			answer["NextMarker"] = last
			break
		}
		list = append(list, describe(item))
		last = key(item)
	}
	answer[field] = list
	return awsproto.WriteJSON(w, http.StatusOK, answer)
}

// versionKey orders $LATEST and then $LATEST.PUBLISHED before the numbers.
func versionKey(version string) string {
	if version == latestPublished {
		return "."
	}
	n, err := strconv.Atoi(version)
	if err != nil {
		return "-"
	}
	return numberKey(n)
}

// numberKey orders numbers as text.
func numberKey(n int) string {
	text := strconv.Itoa(n)
	return "0000000000"[min(len(text), 10):] + text
}

// wireTime is a time as most of Lambda's answers have it.
func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// said is name with the qualifier that the request's query says.
func (s *Service) said(r *http.Request, name string) (string, error) {
	return qualify(name, r.URL.Query().Get("Qualifier"))
}
