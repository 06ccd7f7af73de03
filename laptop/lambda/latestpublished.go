package lambda

import (
	"slices"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// latestPublished is the version that functions on Managed Instances have beside the numbered ones: it
// can be published again, and is what runs when no version is said. See
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-version-publishing.html
const latestPublished = "$LATEST.PUBLISHED"

// toLatestPublished is how a request says that this is the version to publish: PublishTo.
const toLatestPublished = "LATEST_PUBLISHED"

// publication is what Publish and PublishTo of a request say.
type publication struct {
	wanted bool
	to     string // empty for a new number
}

// publishTo publishes what $LATEST is, and returns $LATEST if nothing is to be published.
func (r *record) publishTo(p publication, description, mark string) (Function, error) {
	bad := func(format string, args ...any) (Function, error) {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	switch {
	case p.to != "" && p.to != toLatestPublished:
		return bad("PublishTo %q: it is %s, or not said for a numbered version", p.to, toLatestPublished)
	case p.to != "" && !p.wanted:
		return bad("PublishTo %s publishes nothing without Publish: say Publish=true too", p.to)
	case p.to != "" && r.ManagedInstances == nil:
		return bad("PublishTo %s: only functions on Managed Instances have the version %s, and %s has no CapacityProviderConfig", p.to, latestPublished, r.Name)
	case p.to != "":
		return r.publishLatest(description, mark), nil
	case p.wanted:
		return r.publish(description, mark), nil
	}
	return r.Function, nil
}

// publishLatest makes $LATEST.PUBLISHED what $LATEST is. Its policy stays.
func (r *record) publishLatest(description, mark string) Function {
	i := r.version(latestPublished)
	if i >= 0 && sameVersion(r.Versions[i], r.Function) {
		return r.Versions[i]
	}
	v := r.snapshot(latestPublished, description, mark)
	if i < 0 {
		r.Versions = slices.Insert(slices.Clone(r.Versions), 0, v)
		return v
	}
	v.Policy = r.Versions[i].Policy
	r.Versions = slices.Clone(r.Versions)
	r.Versions[i] = v
	return v
}

// keepPublished is what CloudFormation does: a function on Managed Instances runs what it was last said to be.
func (r *record) keepPublished() {
	if r.ManagedInstances != nil {
		r.publishLatest("", "")
	}
}

// unqualified is the pool that serves invocations which say no version.
func (m *members) unqualified() (*function, error) {
	if m.record.ManagedInstances == nil {
		return m.latest, nil
	}
	if pool := m.versions[latestPublished]; pool != nil {
		return pool, nil
	}
	return nil, awsproto.Errorf("NoPublishedVersionException",
		"The function has no published versions available: on Managed Instances an invocation without a qualifier is of %s (aws lambda publish-version --function-name %s --publish-to %s)",
		latestPublished, m.record.Name, toLatestPublished)
}
