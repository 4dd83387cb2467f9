"""The services an external tool may be let into, and what each is called (AGS 2.0, NRPS 2.0)."""

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM = _AGS + "lineitem"
LINE_ITEM_READ = _AGS + "lineitem.readonly"
RESULT_READ = _AGS + "result.readonly"
SCORE = _AGS + "score"
MEMBERSHIP = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
GRADES = (LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE)
ALL = (*GRADES, MEMBERSHIP)
USUAL = GRADES
"""What a new tool may use; the list of people is given only when an admin says so."""
