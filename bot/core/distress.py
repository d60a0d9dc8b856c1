"""Signs of distress in what people write: sets of expressions, each with what tells it apart from talk about work.

They are one half of the recognition. The other is a small model trained on whole lines (`bot.adapters.distress`),
which hears what no expression says outright. `outright` alone decides where no model is loaded yet.
"""

from __future__ import annotations

import re

from bot.core.text import clean


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


_END = r"(?=\s*(?:$|[.!?,;:()]|and\b|but\b|or\b))"  # of a clause: nothing follows that would turn it to work
_MORE = r"(?: any ?more| any longer| much longer| much more| like this)*"
_SO = r"(?:so |just |really |completely |totally |utterly |very |such a |a total |a complete |like |a |only |all |truly |honestly )*"
_KIN = r"(?:mum|mom|mam|mother|dad|father|brother|sister|son|daughter|child|baby|wife|husband|partner|boyfriend|girlfriend|best friend|friend|gran(?:ny|dad|dma|dpa|dmother|dfather)?|twin|fianc\w+)"
_SOMEBODY = r"(?:he|she|they|husband|wife|partner|ex|boyfriend|girlfriend|boss|manager|supervisor|father|dad|mother|son|brother|doctor|surgeon|colleague|director|stepfather|uncle)"
_CANT = r"(?:can(?:no|')?t|cannot|could ?n'?t|cant)"

# Somebody's own death, or harm to themselves.
_OWN_DEATH = _any(
    r"\b(?:kill(?:ing)?|hang(?:ing)?|shoot(?:ing)?|drown(?:ing)?|starv(?:e|ing)|hurt(?:ing)?|harm(?:ing)?|cut(?:ting)?|burn(?:ed|ing(?= myself(?! out)))?|punish(?:ing)?) myself\b(?! laughing| out of| for (?:saying|not|forgetting)| off| short| some)",
    r"\b(?:cut|cutting|burned|burnt|scratch\w*|slashed) my (?:own )?(?:arms?|wrists?|legs?|thighs?|skin|self)\b",
    r"\b(?:end|ending|take|taking|took|ended) my (?:own )?life\b|\bmy (?:own )?suicide\b|\bend(?:ing)? it all\b|\bthinking (?:of|about) ending (?:it|things|everything|myself)\b(?! with)",
    r"\b(?:i|i'm|i've|i am|me|my)\b[^.!?]{0,40}\b(?:suicidal(?! patients?| clients?| youth)|thoughts? of (?:suicide|death|dying|ending|hurting|harming|killing)|suicidal thoughts)|\bsuicidal (?:again|tonight|today|right now)\b|^suicidal\b(?! (?:patient|client|youth|thought|idea))",
    r"\b(?:i|i'd|i just|to) (?:want|wanted|wish|wanna|long|would like|feel like|keep wanting|prefer)(?: to)? (?:die|dying|be dead)\b|\bwish i (?:was|were) (?:dead|never born|gone)|\bwish(?:ed)? i(?:'d| had) (?:never been born|died|not woken)|\brather be dead\b|\bbetter (?:off )?dead\b|\bi (?:shouldn't|don't deserve to|do not deserve to) (?:be alive|live)\b|\bi want to be dead\b",
    r"\bnot (?:have to )?wake up\b(?! (?:at|early|the|to the alarm))|\b(?:don't|do not|didn't) want to wake up\b|\bnever wak(?:e|ing) up\b|\bwish(?:ing)? (?:i|i'd|i could) (?:not|never|go to sleep|fall asleep|sleep for ?ever)",
    r"\bi (?:just |really |honestly |simply )?(?:don't|do not|dont|can't|cannot) (?:want to |wanna )(?:live|be alive|exist|go on living|be on this earth|be here any ?more|see (?:tomorrow|another day))\b(?! (?:with|in|by|on|off|through|near))",
    r"\b(?:tired|sick|weary) of (?:living|being alive|existing|life|being me|breathing)\b",
    r"\b(?:no|any|see the|see a|see any|what's the|whats the|what is the|find a|find any|a) (?:point|reasons?|use|sense|purpose) (?:in |of |to |for )(?:living|live|life|me\b|going on\b(?! with)|go on\b(?! with)|being (?:here|alive)|be (?:here|alive)|(?:me )?getting up|get (?:up|out of bed)|carrying on\b(?! with)|stay(?:ing)? alive|keep living|waking|trying any)",
    r"\b(?:better off|happier|easier|relieved) (?:without me|if i (?:was|were|wasn't|weren't|am|died|disappeared|just))\b(?! (?:in the|at the|on the|as |around the table|leading))",
    r"\b(?:the )?world (?:is|would be|'d be) better (?:off )?without me\b|\bno(?:body|[- ]one) (?:would|will|'d) (?:even )?(?:miss me|care if i|notice (?:if|that|when) i)",
    r"\bi(?:'m| am| feel| feel like| have become|'ve become) "
    + _SO
    + r"(?:burden|waste of (?:space|air|skin|oxygen))\b|\bburden (?:to|on) (?:everyone|everybody|my (?:family|kids|husband|wife|partner|friends|parents|children)|them|every)",
    r"\bi (?:just |really |only )?(?:want|wanted|wish|would like|long|need|wanna|feel like|would love)(?: to| i could| that i could)? (?:just |simply |quietly )?(?:disappear\w*|vanish\w*|not exist\w*|cease to exist|be gone|stop existing|not be here|sleep for ?ever)\b(?! (?:when|behind|from the (?:list|meeting|call)|under))",
    r"\b(?:won't|will not|not going to|might not|don't think i'll|do not think i will|may not) be (?:around|here|alive) (?:much longer|any ?more|to see|for much)\b",
    r"\b(?:life|living|it)(?:'s| is|s)? (?:not|isn't|isnt|no longer) worth (?:living|it any ?more)\b|\blife (?:isn't|is not|isnt) worth\b|\blife has no (?:meaning|point)|\bnothing (?:left )?to live for\b|\bno reason to (?:live|stay)\b(?! (?:on the|in the|with))|\breasons? to (?:stay alive|keep living|live)\b",
    r"\b(?:dark|bad|black|scary|those|the old|awful|horrible|ugly) thoughts\b(?=.*\b(?:i|me|my|back|again|louder)\b)|\bthoughts i can't (?:control|stop)|\b(?:scared|afraid|frightened|terrified) of (?:myself|my own (?:head|thoughts|mind)|what i (?:might|may|'ll|will|could|would|think))\b",
    r"\b(?:keep myself safe|not safe with myself|don't trust myself (?:to be alone|alone|tonight|any)|do something (?:stupid|terrible|drastic|to myself))\b",
    r"\bi(?:'ve| have)? (?:just )?(?:took|taken|swallowed|been taking) .{0,25}\b(?:pills|tablets|overdose|whole (?:pack|box|bottle))\b|\b(?:hoard\w*|saving up|sav(?:ed|ing)|count\w*(?: out)?|stash\w*|stockpil\w*) (?:my |the |up |out )*(?:pills|tablets|medication|meds)\b|\boverdosed?\b(?=[^.!?]*\bmyself\b)|\bi (?:tried to )?overdose",
    r"\b(?:self[- ]?harm(?:ing|ed)?)\b(?=[^.!?]*\b(?:again|i|me|my)\b)(?!.*\b(?:policy|protocol|plan|plans|program\w*|training|screen\w*|clients?|patients?|students?|youth)\b)|\bhurt(?:ing)? myself\b|\bcutting again\b",
    r"\b(?:go|going|sleep|asleep) (?:to sleep )?and (?:not|never) (?:wake|come back)\b|\bi(?:'m| am| will be|'ll be) (?:at peace|gone) (?:soon|by then|tonight)\b|\bthis is (?:my )?(?:goodbye|good ?bye)\b(?! to the)|\b(?:been |keep |am |'m )saying (?:my )?goodbyes?\b(?! to the| hello)",
    r"\b(?:drive|driving|swerve|steer|crash\w*|run|jump\w*|step|walk) (?:my car |the car |myself )?(?:into|off|in front of|under) (?:a |the |that )?(?:barrier|tree|wall|bridge|train|bus|truck|lorry|traffic|roof|cliff|river|rails|oncoming)",
    r"\bthink(?:ing)? about (?:dying|death|not existing|being dead|suicide|jumping)\b|\b(?:i'd|i would) like to not exist|\bnot existing\b|\bif i (?:died|was dead|were dead|was gone|were gone|wasn't here|didn't (?:come home|wake up|make it))\b(?! from the (?:site|project))|\balready dead\b(?=.*\bi\b)|\b(?:rather|hope to|going to|want to) (?:die|be dead)\b(?! than (?:sit|attend|fill|do|hear|read|use|write|go to (?:a|another|that) (?:meeting|webinar)))",
    r"\bi(?:'ve| have)? (?:had enough of|done with|finished with|through with) (?:life|living|being me|everything|all of (?:it|this), with life)\b|\bdone with (?:life|living|being me)\b|\bdon't want to do (?:life|this life)\b|\b(?:harder|hard) to find (?:a reason|reasons) to\b|\bonly (?:staying alive|alive|here) (?:for|because of)\b|\bonly thing (?:stopping me|keeping me (?:alive|here|going))\b|\bfight(?:ing)? to stay alive\b|\bdon't belong (?:anywhere|in this (?:world|life))\b",
    r"\b(?:won't|will not|don't (?:think i'll|plan on|expect to|want to)|not sure i(?:'ll| want to)) (?:see|make it to|make it past|be around for|there being)(?: the| my| a)? (?:spring|summer|autumn|winter|christmas|next (?:week|month|year|birthday)|birthday|morning|weekend|end of the (?:week|year))\b|\bif (?:something|anything) happens to me\b|\bsorry (?:to everyone|for everything|to everybody)\b",
    r"\b(?:bought|have|got|found) (?:a |the |some )?rope\b(?=.*\b(?:i|me)\b)(?!.*\b(?:gym|climb\w*|skipping)\b)|\bhow many (?:of my |of the )?(?:pills|tablets)\b|\bpills (?:counted|lined up|in my hand)|\b(?:voice|mind|head) (?:that )?(?:keeps? )?(?:tells?|telling|says?|saying)(?: me)? (?:to )?(?:do it|jump|die|end)|\brehears\w+ how i\b|\bhow i(?:'d| would) do it\b|\bwritten (?:the |my |a )?(?:notes?|letters?) (?:for|to) (?:my|each|the) (?:kids|children|family|mum|mom|husband|wife|parents)|\bsuicide note\b",
    r"\b(?:scared|afraid|frightened) to be alone\b|\bi (?:really |just )?(?:don't|do not) feel safe\b(?! (?:to|about|with the|\w+ing\b|in the (?:meeting|group)))|\b(?:don't|do not|no longer) care (?:what happens to me|if i (?:live|die|wake)|about (?:living|my life))\b|\bwhat do i matter\b|\bi don't matter\b|\bdoesn't matter (?:now|any ?more|what happens to me)\W*$",
    r"\b(?:don't|do not|can't|cannot|dont|cant) (?:really |even )?see why i(?:'d| should| would) (?:even )?(?:keep going|go on|carry on|bother(?: any ?more)?|live|stay|get up|keep trying)"
    + _END
    + r"|\bwhat(?:'s| is) (?:even )?the point (?:any ?more|of (?:it all|anything|everything|trying any ?more|me|living)|in any of it)\W*$|\bthere(?:'s| is) no point (?:any ?more|in anything|in any of it|in me)\W*$|\b(?:everything|life|it all) (?:is|feels|seems) (?:so |completely |utterly )?(?:pointless|meaningless|hopeless)\b",
    r"\b(?:no|see no|can't see a|can't see any|don't see a) way out(?: of (?:this|it all|it|here))?\W*$|\bnothing (?:will|is) ever (?:get|getting|going to get|be) (?:any )?(?:better|okay|ok|good again)\b(?! (?:if|unless|until|with|in this))|\b(?:won't|don't|will not) (?:need|have) to worry about me\b|\bnot wanting to (?:live|be here|wake up|be alive|exist)\b|\bthoughts? of not (?:being|wanting to be) (?:here|alive)\b",
    r"\b(?:giv(?:en|ing)|gave) away (?:her|his|their|all my|all of my|my) (?:things|books|stuff|belongings|clothes|cat|dog|possessions)\b|\bgiving (?:her|his|their|my) things away\b|\b(?:stood|standing|sat|stand) (?:at|on|by) the (?:edge of the (?:platform|roof|bridge|cliff)|bridge|roof|ledge|tracks|rails)\b|\bwrists?\b.{0,15}\bbandage\w*|\bi (?:don't|do not) want to (?:go on|carry on|keep going|continue living)"
    + _END
    + r"|\b(?:hard|harder|impossible) to (?:go on living|keep living|stay alive|get through (?:the|each|another) day)\b",
)
# Something in them has given way.
_COLLAPSE = _any(
    r"\bi(?:'m| am) (?:really |so |just |definitely |honestly )?not (?:ok|okay|o\.k\.|alright|all right|coping|doing (?:ok|okay|well|good)|fine)\b(?! with\b)",
    r"\bi (?:just |really |simply |honestly )?"
    + _CANT
    + r" (?:cope|go on(?: living)?|carry on|take (?:it|this|much more)|do (?:this|it|life)|keep (?:going|doing this|pretending|living)|handle (?:this|it|life|anything)|bear (?:it|this)|face (?:it|this|anyone|people|another (?:day|shift)|the day|tomorrow)|hold (?:on|it together)|any ?more)"
    + _MORE
    + _END,
    r"\bi (?:just |really )?"
    + _CANT
    + r" (?:stop (?:crying|shaking|sobbing|the thoughts|throwing up)|get out of bed|get up (?:in the morning|any ?more)|feel anything|catch my breath|eat or sleep|sleep or eat|see (?:a|any) (?:way out|future)(?! (?:for|of) the))",
    r"\b(?:i|i've|i'm|i am|been|keep|kept|just|and)(?: have| was| am| been| just| even| keep| sat| sit| still| go home and)* (?:cry|cried|crying|sobbing|sobbed|weeping|bawling|bawled|in tears)\b(?! (?:laugh|in the van|with (?:the|these|joy|laugh|relief|pride|happ)|of (?:joy|laugh|relief|happ)|from laugh|at the (?:graduation|wedding|ceremony)))(?!.*\b(?:laughing|proud|relief|joy|typos?|happy|funny|kick-?off)\b)",
    r"\b(?:tears (?:running|streaming|rolling|down)|burst(?:ing)? into tears|cried myself to sleep|cry myself to sleep)\b(?!.*\b(?:joy|laugh\w*|relief|happy|proud)\b)",
    r"\b(?:i|i'm|i've|my|having|another|of)\b[^.!?]{0,30}\bpanic attacks?\b(?!.*\b(?:patients?|clients?|students?|training module)\b)|\bpanicking\b(?=.*\bcan'?t\b)|\b(?:i|i'm|my)\b[^.!?]*\b(?:hyperventilat\w+|can'?t breathe)\b(?! for (?:meetings|work|email))|^cant? ?n?o?t? breathe\b",
    r"\b(?:my )?(?:chest|throat) (?:is |feels |gets |goes )?(?:so )?tight\w*\b(?=.*\b(?:i|my)\b)(?!.*\bstairs\b)|\b(?:hands|legs|whole body) (?:won't stop|will not stop|are|keep|haven't stopped) shaking\b",
    r"\b(?:nervous|mental|complete|total|emotional) break ?down\b|\b(?:having|had|near|close to|heading for) a (?:kind of )?break ?down\b(?! of\b)(?=.*\b(?:i|i'm|i've|me|my)\b|$)(?!.*\bcar\b)|\bi(?:'m| am)?(?: keep)? break(?:ing)? down (?:crying|in (?:the|front)|every|at)|\bi broke down\b|\bi(?:'m| am) (?:breaking|cracking|coming apart|falling (?:apart|to pieces)|going under|losing it completely|losing my mind|going (?:crazy|insane|mad))\b(?! (?:with|or|over|at|from) )",
    r"\bi(?:'m| am|'ve been| have been)? ?(?:feel|feeling|felt)? ?"
    + _SO
    + r"(?:hopeless|worthless|suicidal|dead inside|utterly alone|numb inside|unlovable|beyond help|a failure as a|desperate)\b(?! (?:at|for|to get|about the|in (?:that|the)|with|because) )",
    r"\bi (?:feel|felt|am feeling|'ve been feeling|have been feeling) "
    + _SO
    + r"(?:empty|numb|broken|trapped|alone|lonely|isolated|nothing|helpless|invisible|hollow|lost|dead|miserable|ashamed|disgusting|unsafe|depressed|desperate|like (?:a )?(?:failure|nothing|dying|giving up on life|ending)|failure)\b(?! (?:at|between|in|with|on|as|when|because|by|from|for|of) )",
    r"\bi(?:'m| am) (?:so |completely |all |totally |utterly )*(?:lonely|alone)\b(?! (?:in|on|at|with|as) )|\bi(?:'ve| have) (?:got )?(?:nobody|no one|no-one)\b(?! (?:from|on|in|for|who|with|to (?:run|lead|replace|cover|take|do|help|look)))",
    r"\bi (?:hate|loathe|despise|detest|can't stand) (?:myself|my life|who i am|being me|what i've become|the person)\b(?! for\b)",
    r"\b(?:i|i'm|i've|i am|my)\b[^.!?]{0,25}\bdepress(?:ed|ion)\b(?! (?:screen\w*|care|program\w*|pathway|tool|clinic))(?!.*\b(?:screening|protocol|program\w*|pathway|clinicians?)\b)|\bdepress(?:ed|ion)(?:'s| is)?,? (?:back|again|worse)\b",
    r"\bi(?:'ve| have)? (?:haven't|have not|havent|hardly|barely|not) (?:slept|eaten|showered)(?: properly| at all| anything| in| for| since)*\b(?=[^.!?]*\b(?:days?|weeks?|nights?|months?|since)\b)(?!.*\b(?:newborn|baby|puppy|jet|toddler|twins)\b)",
    r"\bi(?:'m| am) (?:a |such a |a complete |a total |an absolute )+(?:failure|disappointment|fraud of a human|terrible (?:mother|father|person))\b|\bi(?:'m| am) (?:a )?(?:nothing|worthless|a nobody|pathetic|unlovable)\b",
    r"\bin a (?:very |really |pretty |such a )*(?:dark|bad|black|low) place\b|\bmy (?:mental health|depression|anxiety|ptsd|trauma|panic|flashbacks|nightmares|demons)\b(?! (?:program\w*|training|screen\w*|pathway|protocol|team|service\w*|clinic\w*|course|module|project|patients?|clients?))|\bi (?:keep having|have|had|get|am having|'ve been having)[^.!?]{0,20}\b(?:flashbacks?|nightmares?)\b(?! of a (?:meeting|rollout|project|week))",
    r"\b(?:at|reached|past|over) (?:the end of my (?:rope|tether)|my (?:breaking point|limit as a person|wits' end with life))\b(?! with)|\bi(?:'m| am) at (?:my )?rock bottom|\bat the bottom of it\b",
    r"\bi(?:'ve| have) (?:got )?nothing left(?: in me| to give| inside)?"
    + _END
    + r"|\bnothing left (?:in|inside|of) me\b|\bno fight left\b|\bi(?:'ve| have)? lost (?:all hope|everything|the will|all my hope|hope in|my will)\b|\bgiv(?:e|en|ing) up on (?:everything|life|myself|living)\b|\bi give up\W*$",
    r"\b(?:want|wanted|need|wish) (?:it|everything|this|the pain|all of this|all of it|the noise|my head|life) (?:all |just )*(?:to (?:stop|end|be over|go away)|would (?:stop|end))\b(?! being| as )|\bmake it (?:all )?stop\W*please\W*$|\bthe pain (?:won't|never) stop",
    r"\b(?:i(?:'ve| have)? relapsed|(?:drinking|using|smoking|gambling) again\b(?=.*\bi\b|$)|i(?:'m| am|'ve been| have been)? (?:drink|drinking|drank|drunk) (?:to (?:sleep|cope|get|forget|function|numb)|every (?:night|day|morning)|at my desk|before (?:work|my shift|every)|alone|a bottle|myself|too much)|i need a drink (?:before|to get|in order|just to)|self[- ]medicat\w+)\b",
    r"\b(?:someone|somebody|anyone|anybody|a person|no one|nobody|no-one) (?:real )?to talk to\b(?! about| from| in | at | who)|\bplease (?:somebody |someone )?(?:help me|talk to me)\W*(?:$|i('m| am) (?:scared|not))|\bwho (?:can|do|should) i (?:call|talk to|turn to|tell) (?:if|when) (?:i|you)\b|\b(?:helpline|hotline|crisis (?:line|number|text))\b(?=[^.!?]*\b(?:for me|i need|i can call|myself|me)\b)|\bi need help\b(?=[^.!?]*\b(?:with me|not with|i'm scared|bad way|mentally)\b)|\bis (?:anyone|anybody) there\b",
    r"\bhanging (?:on )?by a thread\W*$|\bbarely (?:holding (?:on|it together)|hanging on|surviving|functioning)\b(?! (?:with|the) )|\bgoing through hell\b|\b(?:i'm|i am) suffering\b|\bdon't know how (?:much longer|to go on|to keep going|long) i\b|\bdon't know how to go on\b|\bhow (?:much )?longer i can\b",
    r"\b(?:"
    + _CANT
    + r"|couldn't) (?:sleep|eat|think|breathe)[,;.]? (?:and )?(?:i )?(?:"
    + _CANT
    + r") (?:eat|sleep|think|breathe|work)\b|\b(?:feel|feeling|felt) nothing\b(?! (?:about|for) the)|\bcan't feel (?:joy|anything)|\bfeel(?:ing|s)? (?:so )?(?:grey|gray) (?:and )?|\bdark in my head\b|\bstone on my chest\b|\b(?:can't|cannot) remember (?:the last time|when) i (?:last )?(?:felt|was) (?:happy|ok|okay|anything|like myself)",
    r"\bi(?:'m| am) (?:so |really |just |absolutely )*(?:scared|terrified)(?: all the time| of everything| right now| every (?:day|night|morning))?\s*(?:[.!]|$)(?! (?:of|that|they|it|we|about))|\bthat dread\b|\bsick with (?:fear|dread|worry)\b|\b(?:shaking|trembling) (?:all (?:day|night|morning)|since)|\bsomething is (?:very |really |badly )?wrong with me\b|\b(?:don't|didn't|can't) recogni[sz]e (?:me|myself)\b(?! in the (?:report|data|profile))",
    r"\bi(?:'m| am) (?:drowning|sinking|struggling|breaking|burnt out|burned out|exhausted|spent)\b[^.]{0,60}\b(?:personally|not (?:in|with|about) (?:the )?(?:work|project|job)|in me|as a person|trust myself|recogni[sz]e myself|from life|of everything|to my bones|inside)|\bcan't cope with (?:life|anything|everything|living|this any)\b|\btoo tired to be (?:a person|here|alive)|\bi(?:'m| am) (?:tired|exhausted) (?:of everything|of it all|all the time and)\b|\bi (?:just )?can't carry (?:this|it|on)(?: any ?(?:more|longer))?(?=\s*(?:$|[.!,]| and))",
    r"\b(?:making|make|made) myself (?:throw up|sick|vomit)\b|\bthrow(?:ing)? up (?:after|before) every|\bvomit (?:before|after) (?:each|every)|\b(?:skipping|stopped taking|off) my (?:antidepressants|meds|medication)|\bmy (?:life|world) (?:is|has|'s)(?: been)? (?:falling (?:apart|to pieces)|over|collapsed|collapsing|ruined|a mess i)|\bjust can't any ?more\b(?! with)|\b(?:i )?(?:really )?cant? (?:take|do) this any ?more\b(?! with)",
    r"\b(?:get|ask) (?:somebody|someone) to call me\b|\b(?:in a bad way|nowhere to turn|don't know where to turn|no one to turn to|nobody to turn to)\b|\bhow bad (?:it|things) (?:has|have) got\b|\bsleeping in my car\b|\bthrew me out\b(?! of the (?:meeting|room|call|group))|\bsince the (?:shooting|assault|attack|rape|accident)\b(?=.*\b(?:i|my)\b)(?! we)",
    r"\b(?:sat|sitting|sit|lie|lying|curled up|hid|hiding) (?:here |there )?(?:on the (?:bathroom |kitchen |hall |office )?floor|in the (?:bathroom|stairwell|toilets?|supply (?:room|closet)|dark|shower|car)|in tears|under (?:my|the) desk)\b(?=.*\b(?:cry\w*|cried|sob\w*|shak\w*|tears|can't|couldn't|hour|noticed|scared)\b)",
    r"\bi(?:'m| am|'ve been| have been)? (?:been )?(?:feel|feeling) (?:really |very |so |extremely |pretty |quite )+(?:low|down|bad|awful|terrible|desperate|hopeless|alone|lonely|ashamed|scared|empty)\b(?! (?:about (?:the|my|our|this) (?:data|form|meeting|session|numbers|report|scores?|training|facilitation)|on|in the (?:meeting|huddle)))|\b(?:completely|utterly|totally) alone (?:in|with) (?:the world|this pain|it all|my)\b|\bi(?:'m| am) in (?:a )?(?:personal |mental health )?crisis"
    + _END,
    r"\b(?:haven't|have not|not) (?:been|felt like|feeling like) myself\b|\b(?:i'm|i am|so) tired of (?:everything|it all|pretending|fighting(?: every| all)?|being strong|trying to be okay)"
    + _END
    + r"|\bi(?:'m| am) (?:so |completely |totally )*(?:broken|shattered inside|falling apart)\W*(?:$|and )|\bfall(?:ing)? apart (?:in the car|at home|when (?:i get|no one)|inside)\b|\bi(?:'ve| have)? hit rock bottom\b|\b(?:see|saw) it (?:whenever|when|every time) i close my eyes\b",
)
# Somebody hurts or frightens them.
_HARMED = _any(
    r"\b"
    + _SOMEBODY
    + r"\b[^.!?,]{0,25}\b(?:hits?|hitting|beats?|beating|punch\w*|slap\w*|chok\w*|kick\w*|shov\w*|strangl\w*|rap(?:es?|ed)|assault\w*|threaten(?:s|ed|ing)|grop\w*|hurts?|touch(?:es|ed|ing)|stalk\w*|harass\w*|bull(?:y|ies|ied|ying)|abus\w*|follow(?:s|ed|ing)|locks?|locked|humiliat\w*|screams? at|spits? (?:at|on)) me\b(?! (?:to it|off the|with (?:questions|data|emails?)|up on))",
    r"\bi(?:'ve| have| was| am|'m|'m getting| got| keep getting)(?: just)?(?: been| being)? (?:raped|assaulted|abused|beaten(?! up in)|harassed|bullied|stalked|molested|groped|mugged|sexually \w+|blackmailed|trafficked)\b",
    r"\b(?:bull(?:y|ies|ying)|harass\w*|stalk\w*|mobb\w*) me\b|\bi(?:'m| am) being (?:bullied|harassed|stalked|followed|threatened|blackmailed|abused|mobbed)\b|\bmade me feel (?:unsafe|dirty)\b",
    r"\bi(?:'m| am|'ve been)[^.!?]{0,15}\b(?:afraid|scared|terrified|frightened) (?:of (?:him|my (?:husband|wife|partner|boss|ex|manager|supervisor|father|son|dad|boyfriend|girlfriend))|to (?:go home|be at home|come in|sleep)|for my (?:life|safety|kids|children))\b|\b(?:don't|do not|didn't) feel safe (?:at home|at work|here|tonight|any ?more|with him|with her|in my own)|\bi(?:'m| am) not safe\b|\bin danger\b(?=.*\b(?:i'm|i am|me|my)\b)",
    r"\b(?:his|her) hands? (?:on|up|down|under|where|around) (?:my|me|it had)\b|\b(?:touched|forced|cornered|grabbed) me\b(?! (?:to|into (?:a|the) (?:project|plan)))|\bforced (?:himself|herself)\b|\bdeath threats?\b|\bthreaten\w* to (?:kill|hurt|find|beat) (?:me|us|my)\b|\b(?:black eye|bruises)\b(?=.*\b(?:i|my|me)\b)|\b(?:my )?ex (?:keeps|won't stop|is) (?:turning up|following|calling|showing|outside|texting)",
    r"\b(?:he|she|husband|wife|partner) (?:reads|checks|tracks|took|takes|controls|counts) (?:my|the) (?:phone|money|messages|card|kilomet\w+|mileage|location|bank)\b",
    r"\b(?:throws?|threw|throwing) (?:\w+ ){1,3}at me\b(?! in (?:the|a) meeting)|\bknow(?:s)? where i live\b|\b(?:will|would|'ll) find me\b|\bscreamed at me until\b|\b(?:was|being|been) abused\b(?=.*\b(?:i|me|my)\b)|\bi was (?:eight|nine|ten|seven|six|five|eleven|twelve|a child) (?:when|and) (?:he|she|they)\b",
)
# Somebody died, or they were told that they may.
_LOSS = _any(
    r"\bmy (?:own |dear |little |older |younger |late |beloved |closest )?"
    + _KIN
    + r"(?:'s)? (?:has |have |had |just |suddenly )*(?:died|passed(?: away| on \w+day| in the night| last)|(?:is|was) (?:dying|dead|killed)|killed (?:him|her)self|took (?:his|her|their) (?:own )?life|funeral|suicide)\b",
    r"\b(?:mum|mom|mam|dad|gran) (?:has |just |suddenly )?(?:died|passed away|is dying|is dead)\b|\b(?:we|i)(?:'ve| have)? (?:just )?lost (?:my|our|the) "
    + _KIN
    + r"\b(?!'s)(?! at work| to (?:follow|the (?:other|night)))|\b(?:we|i) buried my\b|\b(?:i|my|we)\b[^.!?]{0,20}\b(?:miscarr\w*|stillb\w+)",
    r"\b(?:colleague|coworker|co-worker|friend|teammate|coach|nurse|boss|mentor|student|client|patient)\b[^.!?]{0,30}\b(?:killed (?:him|her|them)sel\w+|took (?:his|her|their) (?:own )?li(?:fe|ves)|died by suicide)\b",
    r"\b(?:i|i've|i have) (?:been )?(?:got |just got |was |were )?(?:diagnosed with|have|got) (?:terminal |breast |lung |stage \w+ )*cancer\b|\bit(?:'s| is) (?:cancer|terminal)\b|\bhow (?:do|can) i live with (?:what i|it|myself)\b|\bcan't (?:live with|forgive) (?:myself|what i|it)\b|\bi don't deserve to (?:live|be here|be alive)\b",
)
# Somebody near them is at risk.
_ANOTHER = _any(
    r"\b(?:colleague|coworker|co-worker|friend|nurse|teacher|coach|teammate|son|daughter|sister|brother|husband|wife|partner|mum|mom|dad|she|he|someone|somebody|student)\b[^.!?]{0,40}\b(?:wants?|wanted|going|threaten\w*|tried|trying|plans?|planning|talk\w* (?:about|of)|think\w* (?:about|of)) (?:to )?(?:end (?:her|his|their) (?:own )?life|end(?:ing)? it all|kill(?:ing)? (?:her|him|them)sel\w+|hurt(?:ing)? (?:her|him|them)sel\w+|die\b|harm(?:ing)? (?:her|him|them)sel\w+|suicide)",
    r"\b(?:she|he|colleague|friend|nurse|son|daughter|someone|somebody|sister|brother|partner|husband|wife)\b[^.!?]{0,40}\b(?:doesn't|does not|didn't|no longer|not) want(?:s|ed)? to (?:live|be alive|be here any ?more|wake up)\b|\b(?:worried|scared|afraid) (?:that )?(?:she|he|they|my \w+|a colleague|someone)(?: might| may| will|'ll| is going to|'s going to| could) (?:hurt|harm|kill|do something)",
)
# The plainest in some other languages that people fall back on.
_OTHER_LANGUAGES = _any(
    r"\bquiero morir|no quiero (?:seguir )?viv\w+|ya no puedo m[aá]s|je (?:veux|voudrais) mourir|je n'en peux plus|envie de mourir|ich (?:will|möchte|mag) (?:nicht mehr|sterben)|ich kann nicht mehr|não aguento mais|quero morrer|voglio morire|non ce la faccio più|ik wil (?:niet meer|dood)|jag orkar inte|vill inte leva|jeg orker ikke|chcę umrzeć|nie chcę (?:już )?żyć|ne mogu više|en jaksa enää|δεν αντέχω|не хочу жить|不想活|死にたい"
)
# A programme about these very things is work; it overrules all but the plainest words about oneself.
_PROGRAMME = re.compile(
    r"\b(?:prevention|screen\w*|pathways?|protocols?|program(?:me)?s?|roll\w*[- ]?out|training|module|policy|policies|intervention|curriculum|kits?|first aid|fidelity|bundle|implement\w*|guideline|coalition|awareness|pilot|adapt\w*|assessment|safety plans?)\b"
)
_ABOUT_SELF = re.compile(
    r"\bmyself\b|\bmy (?:own )?life\b|\bi (?:want|wanted|wish|keep)\b|\bi(?:'m| am) (?!implement|roll|work|train|lead|support|coach|adapt)\w+"
)

SIGNS: dict[str, re.Pattern[str]] = {
    "own_death": _OWN_DEATH,
    "collapse": _COLLAPSE,
    "harmed": _HARMED,
    "loss": _LOSS,
    "another": _ANOTHER,
    "other_languages": _OTHER_LANGUAGES,
}


BAR = 0.55  # how likely the trained view must find it where no expression says it; set on authors held out
_SURE_IT_IS_NOT = 0.1  # below it no expression counts: set likewise, no distress of an author held out was lost by it


def heard(text: str, probability: float) -> bool:
    """Whether to meet a text with care: in plain words, or by the trained view's probability."""
    return probability >= BAR or (probability >= _SURE_IT_IS_NOT and outright(text))


def signs(text: str) -> tuple[str, ...]:
    """The kinds of signs that stand in a text, by their names in SIGNS."""
    low = clean(text).lower()
    return tuple(name for name, pattern in SIGNS.items() if pattern.search(low))


def outright(text: str) -> bool:
    """Whether a text says in plain words that somebody is in distress; no model is needed for it."""
    found = signs(text)
    if not found:
        return False
    low = clean(text).lower()
    return not (_PROGRAMME.search(low) and not _ABOUT_SELF.search(low))
