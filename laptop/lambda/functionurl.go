package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// FunctionURL is an HTTP(S) endpoint of a function or of one of its aliases. Whoever serves it looks
// it up by ID. See https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
type FunctionURL struct {
	ID           string // the first part of the URL's host on AWS; never changes
	Function     string // the function's name
	Qualifier    string // an alias; empty for $LATEST
	ARN          string // what is invoked: the function's ARN or the alias's
	URL          string // as Config.FunctionURL makes it
	AuthType     string // NONE or AWS_IAM
	InvokeMode   string // BUFFERED or RESPONSE_STREAM
	CORS         *CORS  // nil answers no preflight request
	Created      time.Time
	LastModified time.Time
	Mark         string // by which whoever made it knows it; not shown
}

// CORS is what a function URL tells browsers about pages of other origins. See
// https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
type CORS struct {
	AllowCredentials bool     `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           int      `json:",omitempty"` // seconds, at most 86400
}

func (c *CORS) clone() *CORS {
	if c == nil {
		return nil
	}
	return &CORS{c.AllowCredentials, slices.Clone(c.AllowHeaders), slices.Clone(c.AllowMethods),
		slices.Clone(c.AllowOrigins), slices.Clone(c.ExposeHeaders), c.MaxAge}
}

func (c *CORS) check() error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	if c == nil {
		return nil
	}
	if c.MaxAge < 0 || c.MaxAge > 86400 {
		return bad("Cors.MaxAge %d: 0 to 86400 seconds", c.MaxAge)
	}
	for _, m := range c.AllowMethods {
		if !slices.Contains([]string{"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"}, m) {
			return bad("Cors.AllowMethods %q: GET, PUT, HEAD, POST, PATCH, DELETE or *", m)
		}
	}
	return nil
}

// FunctionURLInput is a function URL as it is to be. An update keeps what is zero; an empty CORS
// removes what there is.
type FunctionURLInput struct {
	AuthType, InvokeMode string
	CORS                 *CORS
	Mark                 string // becomes FunctionURL.Mark when it is made
}

func (in FunctionURLInput) apply(u *FunctionURL) error {
	u.AuthType = cmp.Or(in.AuthType, u.AuthType)
	u.InvokeMode = cmp.Or(in.InvokeMode, u.InvokeMode)
	if in.CORS != nil {
		u.CORS = in.CORS.clone()
		if u.CORS.isZero() {
			u.CORS = nil
		}
	}
	u.LastModified = time.Now().UTC().Truncate(time.Millisecond)
	switch {
	case u.AuthType != "NONE" && u.AuthType != "AWS_IAM":
		return awsproto.Errorf("InvalidParameterValueException", "AuthType %q: NONE or AWS_IAM", u.AuthType)
	case u.InvokeMode != "BUFFERED" && u.InvokeMode != "RESPONSE_STREAM":
		return awsproto.Errorf("InvalidParameterValueException", "InvokeMode %q: BUFFERED or RESPONSE_STREAM", u.InvokeMode)
	}
	return u.CORS.check()
}

// withURL adds what is not kept: the ARN and the address.
func (s *Service) withURL(u FunctionURL) (FunctionURL, error) {
	u = s.withoutURL(u)
	var err error
	if u.URL, err = s.cfg.FunctionURL(u.ID); err != nil {
		return FunctionURL{}, fmt.Errorf("the address of the function URL of %s: %w", u.ARN, err)
	}
	return u, nil
}

func (s *Service) withoutURL(u FunctionURL) FunctionURL {
	u.CORS = u.CORS.clone()
	u.ARN = s.arn(withQualifier(u.Function, u.Qualifier))
	return u
}

// FunctionURLs returns all function URLs, sorted by function and qualifier. Its error is one of
// Config.FunctionURL.
func (s *Service) FunctionURLs() ([]FunctionURL, error) {
	var all []FunctionURL
	for _, fam := range s.families() {
		for _, u := range fam.record().URLs {
			u, err := s.withURL(u)
			if err != nil {
				return nil, err
			}
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b FunctionURL) int {
		return cmp.Or(strings.Compare(a.Function, b.Function), strings.Compare(a.Qualifier, b.Qualifier))
	})
	return all, nil
}

// FunctionURL returns the URL of what name stands for, or ResourceNotFoundException.
func (s *Service) FunctionURL(name string) (FunctionURL, error) {
	fam, qualifier, err := s.family(name)
	if err != nil {
		return FunctionURL{}, err
	}
	if i := fam.record().url(qualifier); i >= 0 {
		return s.withURL(fam.record().URLs[i])
	}
	return FunctionURL{}, errNoURL()
}

// allowsURL says that a policy lets everybody in through a function URL of an AuthType. It must
// allow both lambda:InvokeFunctionUrl and, since October 2025, lambda:InvokeFunction. See
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func allowsURL(policy []Permission, authType string) bool {
	allowed := func(action string) bool {
		return slices.ContainsFunc(policy, func(p Permission) bool {
			return (p.Action == action || p.Action == "lambda:*" || p.Action == "*") && p.Principal == "*" &&
				(p.URLAuthType == "" || p.URLAuthType == authType) && p.SourceARN == "" && p.SourceAccount == ""
		})
	}
	return allowed("lambda:InvokeFunctionUrl") && allowed("lambda:InvokeFunction")
}

func (r *record) url(qualifier string) int {
	return slices.IndexFunc(r.URLs, func(u FunctionURL) bool { return u.Qualifier == qualifier })
}

// CreateFunctionURL makes a URL for $LATEST or, where the name has a qualifier, for that alias.
func (s *Service) CreateFunctionURL(_ context.Context, name string, in FunctionURLInput) (FunctionURL, error) {
	_, qualifier := splitName(name)
	var made FunctionURL
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if _, ok := rec.alias(qualifier); !ok && qualifier != "" {
			if isNumber(qualifier) || qualifier == latest || qualifier == latestPublished {
				return awsproto.Errorf("InvalidParameterValueException", "a function URL is of $LATEST, without a qualifier, or of an alias, not of %s", qualifier)
			}
			return s.errNotFound(fam.name + ":" + qualifier)
		}
		if err := rec.notWithTenants("A function URL"); err != nil {
			return err
		}
		if rec.url(qualifier) >= 0 {
			return &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: "Failed to create function url config for [functionArn = " + s.arn(withQualifier(fam.name, qualifier)) + "]. Error message:  FunctionUrlConfig exists for this Lambda function"}
		}
		made = FunctionURL{ID: newURLID(), Function: fam.name, Qualifier: qualifier, InvokeMode: "BUFFERED", Mark: in.Mark}
		if err := in.apply(&made); err != nil {
			return err
		}
		made.Created = made.LastModified
		rec.URLs = append(rec.URLs, made)
		return nil
	})
	if err != nil {
		return FunctionURL{}, err
	}
	return s.withURL(made)
}

// UpdateFunctionURL changes a URL, whose address stays.
func (s *Service) UpdateFunctionURL(_ context.Context, name string, in FunctionURLInput) (FunctionURL, error) {
	_, qualifier := splitName(name)
	var made FunctionURL
	_, err := s.edit(name, func(_ *family, rec *record) error {
		i := rec.url(qualifier)
		if i < 0 {
			return errNoURL()
		}
		made = rec.URLs[i]
		if err := in.apply(&made); err != nil {
			return err
		}
		rec.URLs[i] = made
		return nil
	})
	if err != nil {
		return FunctionURL{}, err
	}
	return s.withURL(made)
}

func (c *CORS) isZero() bool {
	return !c.AllowCredentials && c.MaxAge == 0 && len(c.AllowHeaders)+len(c.AllowMethods)+len(c.AllowOrigins)+len(c.ExposeHeaders) == 0
}

// DeleteFunctionURL removes a URL; another one that is made later has another address.
func (s *Service) DeleteFunctionURL(_ context.Context, name string) error {
	_, qualifier := splitName(name)
	_, err := s.edit(name, func(_ *family, rec *record) error {
		i := rec.url(qualifier)
		if i < 0 {
			return errNoURL()
		}
		rec.URLs = slices.Delete(rec.URLs, i, i+1)
		return nil
	})
	return err
}

// tellURLs emits what has become of a function's URLs.
func (s *Service) tellURLs(before, after []FunctionURL) {
	there := func(list []FunctionURL, id string) int {
		return slices.IndexFunc(list, func(u FunctionURL) bool { return u.ID == id })
	}
	for _, u := range after {
		if i := there(before, u.ID); i < 0 || !before[i].LastModified.Equal(u.LastModified) {
			s.cfg.Events(FunctionURLChanged{URL: s.withoutURL(u)})
		}
	}
	for _, u := range before {
		if there(after, u.ID) < 0 {
			s.cfg.Events(FunctionURLChanged{URL: s.withoutURL(u), Deleted: true})
		}
	}
}

// newURLID is 32 letters and digits, as AWS's.
func newURLID() string { return strings.ToLower(rand.Text()[:16] + rand.Text()[:16]) }

func errNoURL() error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Message: "The resource you requested does not exist.", Status: http.StatusNotFound}
}
