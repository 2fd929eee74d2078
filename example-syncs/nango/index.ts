import './slack/syncs/users.js';
import './salesforce/syncs/contacts.js';
import './salesforce/syncs/contacts-accumulate.js';
import './github/syncs/commits.js';
