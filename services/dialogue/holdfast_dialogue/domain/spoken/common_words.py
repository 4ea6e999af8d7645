"""Everyday words that are no part of a name, for telling "i'm dana" from "i'm stuck". Data only.

`names` lets a few that are both (will, mark, may) through after a sure introduction.
"""

from __future__ import annotations

from holdfast_dialogue.domain.spoken.text import word_set

EVERYDAY = word_set(
    """
    with within without against between through toward towards near behind beyond upon via per among along across
    usually mostly mainly generally normally recently finally possibly hardly fully partly slightly seriously obviously
    apparently early family friendly lonely daily honestly absolutely fairly rarely simply strictly purely equally
    product products bundle bundles insurance table tables menu button screen section step steps item items list lists
    automate modify compare connect integrate import export download upload print save share copy paste merge
    stuff folks guys everyone whoever something's customer's client's boss's
    a able about absolutely account accountant accounting actually admin administrator afraid after afternoon again
    agency agent agreement agreements ain't all allowed almost alone already alright also although always am amazing
    an and android angry annoyed annoying annual another any anybody anyone anything anything's api app approval
    approvals apps are aren't around as ask asking assistant at attorney available aware away awesome awful aye back
    bad bank based basically be because been before beginner being better big bit blank blocked book booking
    bookkeeper bored boss bot both brilliant broken broker browser browsing bug building business busy but buying by
    call called caller calling can can't cancel canceling cancelling cannot card central ceo certain certified cfo
    charity chat cheap chrome church clear client clients clinic code codes college company comparing compliance
    complicated computer confused considering consultant content contract contractor contracts coo cool correct
    couldn't crazy credit cto curious currently customer customers daily day days definitely delete demo depends
    design designer developer did didn't different director disappointed do doctor document documents does
    doesn't doing don't done dot driving dropbox dunno during dynamics each eastern easy eight eighteen eighty
    either eleven else email empty engineer engineering enough estimate estimates evaluating even evening every
    everybody everything everything's exactly excel excited excuse expanding expensive expert exploring factory fan
    farm fast feature features fed few field fields fifteen fifty file files finance fine first five folder for form
    forms forty founder four frankly free freelance freelancer friday from frustrated frustrating full garage
    getting girl give given glad gmail go going gonna good google got gotta great group growing guy gym had half
    handling hang happy hard has hasn't have haven't having he hear heard hearing hello help helpful her here hers
    hey hi high him hiring his hold honestly hopefully hoping horrible hospital hotel hour hours how however hr
    hubspot human hundred i i'd i'll i'm i've if important impossible impressed in insane integration integrations
    interested into invoice invoices iphone is isn't issue it it'll it's its just keen kind kinda lady laptop last
    late later lawyer lease leases leaving left legal lemme less let letter letters library licensed like line lines
    link links listen listening little live located locked logged login long looking lost lot lots loud lovely low
    made man manager marketing maybe me meeting member microsoft migrating mine minute minutes monday month monthly
    months more morning most mountain moving much my myself nah name name's names nda ndas nearly necessary need
    needing needs never new newbie next nice nine no nobody noise none nonsense noon nope not nothing now number
    numbers nurse o'clock obviously odd of off office offline ok okay old on onboarding once one online only open
    operations ops or order orders other our ours out outlook outside over owner pacific packs page pages
    pardon partner password pathetic paying payment paypal pdf perfect person phone phoning photographer
    pipedrive plan planning plans please pleased possible pretty price pricing probably problem procurement product
    prompt proposal proposals put question questions quick quickbooks quiet quite quote quotes reading ready real
    really realtor recipient recipients recruiter refund regarding reminder reminders remote renewal renewals
    renewing rep reps researching restaurant retired ridiculous right robot role roles running sales salesforce
    salesperson salon same sat saturday saying school security seeing self send sending sent setting seven several
    she shop shopping short should shouldn't show sick signature signatures signed signer signers signing similar
    simple since six sixty slack slow small so some somebody someone something something's somewhere soon sorry
    sorta sounds speak speaking specialist spell spelled spelling staff status still stop store strange stripe stuck
    student studio stuff stupid subscriber such sunday support supposed sure switching system taken taking talking
    teacher team teams tell template templates ten terrible testing than thank thanks that that'll that's the their
    theirs them then there there'll there's these they they're thing things thinking thirty this this'll those
    though thousand three through thursday till time tired to today today's tomorrow tomorrow's tonight too totally
    trial tried tries trying tuesday twelve twenty two uh um unable unacceptable unclear under underscore unemployed
    unfortunately unhappy university until up upgrading upset urgent us useful useless user using vendor very voice
    vp wait waiting waivers wanna want wanting wants warehouse was wasn't way we we'd we'll we're we've webhook
    webhooks wednesday week weekly weeks weird well were weren't what what's whatever when whenever where wherever
    which whichever while who whoever why woman won't wondering word work workflow working works workspace worried
    would wouldn't wrong xero yah yea yeah year yearly years yep yes yesterday yet you you're your yours yup zapier
    zero zoho zoom
    """
)
