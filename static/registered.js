/* Tells the LMS that the registration is over (LTI Dynamic Registration 1.0, section 3.7). */
"use strict";

(window.opener || window.parent).postMessage({ subject: "org.imsglobal.lti.close" }, "*");
