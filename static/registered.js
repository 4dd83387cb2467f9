/* Tells the LMS that the registration is over (LTI Dynamic Registration 1.0, section 3.7). */
"use strict";

for (const lms of new Set([window.opener, window.parent])) {
  if (lms && lms !== window) {
    lms.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
  }
}
